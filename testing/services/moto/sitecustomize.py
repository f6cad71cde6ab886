"""Has moto's server carry out one request at a time, and quicker. Python reads this before the server, by `PYTHONPATH`.

DynamoDB carries out each request, and each transaction, as one atomic step. moto looks first and writes then, in a
thread for each request; and its transactions copy the table before, and put the copy back if they fail, with what
others wrote meanwhile undone. They copy every item of the table as often as there are steps, which takes seconds.
"""

import collections
import copy
import functools
import gc
import io
import sys
import threading


class Turn:
    """A lock that goes to whoever has waited longest. Python's goes to anybody, so that some wait for ever."""

    def __init__(self):
        self.inside, self.waiting = threading.Lock(), collections.deque()

    def __enter__(self):
        mine = threading.Lock()
        mine.acquire()
        with self.inside:
            self.waiting.append(mine)
            if self.waiting[0] is mine:
                return
        mine.acquire()

    def __exit__(self, *_):
        with self.inside:
            self.waiting.popleft()
            if self.waiting:
                self.waiting[0].release()


def one_at_a_time(application):
    turn = Turn()
    answer = application.__call__

    def call(self, environ, start_response):
        # Read first, so that nobody waits for a client who does not send what was announced.
        size = int(environ.get("CONTENT_LENGTH") or 0)
        environ["wsgi.input"] = io.BytesIO(environ["wsgi.input"].read(size))
        with turn:
            return answer(self, environ, start_response)

    application.__call__ = call


def copies_are_cheap(table, backend):
    """A transaction copies a table once, and the copy has the same items; an update, the only step that changes an
    item, changes one of its own."""
    copies = {}

    def once(self, _):
        if self not in copies:
            copies[self] = result = copy.copy(self)
            result.items = collections.defaultdict(dict)
            for name, items in self.items.items():
                result.items[name] = dict(items) if self.has_range_key else items
        return copies[self]

    transact, update = backend.transact_write_items, backend.update_item

    def transact_with_one_copy(self, *arguments, **named):
        copies.clear()
        return transact(self, *arguments, **named)

    def update_own(self, table_name, key, *arguments, **named):
        table, found = self.get_table(table_name), self.get_item(table_name, key)
        if found is not None:
            own = copy.deepcopy(found)
            if table.has_range_key:
                table.items[own.hash_key][own.range_key] = own
            else:
                table.items[own.hash_key] = own
        return update(self, table_name, key, *arguments, **named)

    table.__deepcopy__ = once
    backend.transact_write_items, backend.update_item = transact_with_one_copy, update_own


def sorted_quickly(self):
    """All items, in the order of keys that are text or bytes."""
    groups = self.items.values()
    items = [item for group in groups for item in group.values()] if self.range_key_attr else list(groups)
    return sorted(items, key=lambda item: (item.hash_key.value, item.range_key.value if item.range_key else ""))


def one_partition(query):
    """Has a query look at the items of its partition only."""

    def call(self, hash_key, *arguments, **named):
        items = self.items
        if not self.all_indexes():
            self.items = {hash_key: items[hash_key]} if hash_key in items else {}
        try:
            return query(self, hash_key, *arguments, **named)
        finally:
            self.items = items

    return call


if any("moto_server" in argument for argument in sys.orig_argv):
    from moto import backends
    from moto.core import responses
    from moto.dynamodb.models import DynamoDBBackend, Table
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication

    one_at_a_time(DomainDispatcherApplication)
    copies_are_cheap(Table, DynamoDBBackend)
    Table.all_items, Table.query = sorted_quickly, one_partition(Table.query)
    # It reads a folder, and all names in a class, for each request.
    modules = list(backends.list_of_moto_modules())
    backends.list_of_moto_modules = functools.partial(list, modules)
    responses.method_names_from_class = functools.cache(responses.method_names_from_class)
    # Python looks through all objects for circles as often as some hundred are new: with every table of a run in memory,
    # that is a third of its time, and holds requests up.
    gc.freeze()
    gc.set_threshold(100_000, 20, 100)
