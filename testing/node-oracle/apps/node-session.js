// A plain HTTP server with node-session and its file driver, or its database driver. Its settings are in the environment:
// FILES (a folder), or DATABASE (a URL of MySQL's) and TABLE; SECRET, LIFETIME (milliseconds), ENCRYPT.
const http = require('http')
const NodeSession = require('node-session')

const { FILES, DATABASE, TABLE, SECRET, LIFETIME, ENCRYPT } = process.env

function driver () {
  if (!DATABASE) return { driver: 'file', files: FILES }
  const { hostname, port, username, password, pathname } = new URL(DATABASE)
  const connection = {
    adapter: 'sails-mysql', host: hostname, port: Number(port), user: username, password, database: pathname.slice(1), charset: 'utf8mb4'
  }
  return { driver: 'database', table: TABLE, connection }
}

const sessions = new NodeSession({
  secret: SECRET, ...driver(), encrypt: ENCRYPT === '1', ...(LIFETIME ? { lifetime: Number(LIFETIME) } : {})
})

const routes = {
  'GET /count': session => { session.put('views', session.get('views', 0) + 1); return session.get('views') },
  'GET /views': session => session.get('views', 0),
  'GET /set': (session, query) => { session.put(query.get('key'), JSON.parse(query.get('value'))); return 'set' },
  'GET /get': (session, query) => JSON.stringify(session.get(query.get('key'), null)),
  'GET /id': session => session.getId(),
  'GET /flash': (session, query) => { session.flash(query.get('type'), query.get('text')); return 'kept' },
  'GET /flashes': (session, query) => JSON.stringify(session.get(query.get('type'), null)),
  'GET /keep': session => { session.reflash(); return 'kept' },
  'GET /token': session => session.getToken(),
  'POST /form': (session, query, request) => request.headers['csrf-token'] === session.getToken() ? 'accepted' : null,
  'GET /renew': session => { session.migrate(true); return 'renewed' },
  'GET /destroy': session => { session.flush(); session.regenerate(true); return 'gone' }
}

const server = http.createServer((request, response) => {
  sessions.startSession(request, response, () => {
    const { pathname, searchParams } = new URL(request.url, 'http://localhost')
    const answer = routes[`${request.method} ${pathname}`](request.session, searchParams, request)
    response.statusCode = answer === null ? 403 : 200
    response.end(answer === null ? 'refused' : String(answer))
  })
})
server.listen(0, '127.0.0.1', () => console.log(server.address().port))
