// Opens a database for connect-sqlite3: with the driver sqlite3 where that is built, else with libsql.
//
// The binary of sqlite3 is not in npm's registry, and packages get to run no scripts here: `npm rebuild sqlite3` in
// target/node-oracle downloads or builds it. That of libsql is there; it is the same kind of database file with the same locks.
// What connect-sqlite3 calls of a database is put in front of it.
function open (file) {
  let sqlite3
  try {
    sqlite3 = require('sqlite3')
  } catch {
    return overLibsql(file)
  }
  return new sqlite3.Database(file)
}

function overLibsql (file) {
  // sqlite3 waits that long for a lock.
  const database = new (require('libsql'))(file, { timeout: 1000 })
  const answer = (work, callback = () => {}) => {
    let error = null
    let value
    try { value = work() } catch (cause) { error = cause }
    setImmediate(callback, error, value)
  }
  const ask = method => (sql, values, callback) => answer(() => database.prepare(sql)[method](values), callback)
  return {
    exec: (sql, callback) => answer(() => { database.exec(sql) }, callback),
    get: ask('get'),
    all: ask('all'),
    run: ask('run')
  }
}

module.exports = { open }
