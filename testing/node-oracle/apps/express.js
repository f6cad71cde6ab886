// An Express application with express-session, Passport, connect-flash and a package for CSRF tokens. Its settings are in the
// environment: STORE, URL, PREFIX, SECRETS (with commas), MAX_AGE (milliseconds), PASSPORT, FLASH, CSRF (a package), ROLLING,
// CONCURRENT, TOUCH_AFTER (seconds), BODIES.
const express = require('express')
const session = require('express-session')

const { STORE, URL, PREFIX, SECRETS, MAX_AGE, PASSPORT, FLASH, CSRF, ROLLING, CONCURRENT, TOUCH_AFTER, BODIES } = process.env

async function makeStore () {
  switch (STORE) {
    case 'redis': {
      const { RedisStore } = require('connect-redis')
      const client = await require('redis').createClient({ url: URL }).connect()
      return new RedisStore({ client, prefix: PREFIX })
    }
    case 'redis10': {
      const { RedisStore } = require('connect-redis-10')
      const client = await require('redis').createClient({ url: URL }).connect()
      return new RedisStore({ client, prefix: PREFIX })
    }
    case 'redis6': {
      const RedisStore = require('connect-redis-6')(session)
      const client = await require('redis').createClient({ url: URL }).connect()
      return new RedisStore({ client: client.legacy(), prefix: PREFIX })
    }
    case 'file':
      return new (require('session-file-store')(session))({ path: URL, logFn () {} })
    case 'postgres': {
      const Store = require('connect-pg-simple')(session)
      return new Store({ conString: URL, createTableIfMissing: true, tableName: PREFIX })
    }
    case 'mongo':
    case 'mongo-documents': {
      const { MongoStore } = require('connect-mongo')
      return MongoStore.create({
        mongoUrl: URL,
        collectionName: PREFIX,
        stringify: STORE === 'mongo',
        ...(TOUCH_AFTER ? { touchAfter: Number(TOUCH_AFTER), timestamps: true } : {})
      })
    }
    case 'mysql': {
      const Store = require('express-mysql-session')(session)
      const { hostname, port, username, password, pathname } = new (require('url').URL)(URL)
      const store = new Store({ host: hostname, port, user: username, password, database: pathname.slice(1), schema: { tableName: PREFIX } })
      await store.onReady()
      return store
    }
    case 'sqlite': {
      const Store = require('connect-sqlite3')(session)
      return new Store({ db: require('./sqlite').open(URL), table: PREFIX, concurrentDb: CONCURRENT === '1' })
    }
    case 'memcached':
      return new (require('connect-memcached')(session))({ hosts: [URL], prefix: PREFIX })
  }
}

async function main () {
  const app = express()
  const cookie = MAX_AGE ? { maxAge: Number(MAX_AGE) } : {}
  app.use(session({
    secret: SECRETS.split(','), store: await makeStore(), resave: false, saveUninitialized: false, rolling: ROLLING === '1', cookie
  }))
  if (PASSPORT) {
    const passport = require('passport')
    passport.serializeUser((user, done) => done(null, user.id))
    passport.deserializeUser((id, done) => done(null, { id }))
    app.use(passport.session())
    app.get('/login', (req, res, next) => {
      const id = PASSPORT === 'number' ? Number(req.query.user) : req.query.user
      req.login({ id }, error => error ? next(error) : res.send('in'))
    })
    app.get('/logout', (req, res, next) => req.logout(error => error ? next(error) : res.send('out')))
    app.get('/user', (req, res) => res.send(String(req.user ? req.user.id : '')))
  }
  if (FLASH) {
    app.use(require('connect-flash')())
    app.get('/flash', (req, res) => { req.flash(req.query.type, req.query.text); res.send('kept') })
    app.get('/flashes', (req, res) => res.json(req.flash(req.query.type)))
  }
  if (CSRF === 'csurf') {
    const protect = require('csurf')()
    app.get('/token', protect, (req, res) => res.send(req.csrfToken()))
    app.post('/form', protect, (req, res) => res.send('accepted'))
  }
  if (CSRF === 'csrf-sync') {
    const { csrfSync } = require('csrf-sync')
    const { generateToken, csrfSynchronisedProtection } = csrfSync()
    app.get('/token', (req, res) => res.send(generateToken(req)))
    app.post('/form', csrfSynchronisedProtection, (req, res) => res.send('accepted'))
  }
  if (CSRF === 'lusca') {
    const protect = require('lusca').csrf()
    app.get('/token', protect, (req, res) => res.send(res.locals._csrf))
    app.post('/form', protect, (req, res) => res.send('accepted'))
  }
  if (BODIES) {
    const { isDeepStrictEqual } = require('util')
    const text = express.text({ type: () => true, limit: '4mb' })
    const members = ({ cookie, __cloakroom, ...rest }) => rest
    app.post('/fill', text, (req, res) => {
      Object.assign(req.session, JSON.parse(req.body))
      res.send('filled')
    })
    // Answers what is there, where it is something else.
    app.post('/same', text, (req, res) => {
      const there = members(JSON.parse(JSON.stringify(req.session)))
      const due = JSON.parse(JSON.stringify(JSON.parse(req.body)))
      res.send(isDeepStrictEqual(there, due) ? 'same' : JSON.stringify(there))
    })
  }
  app.get('/count', (req, res) => { req.session.views = (req.session.views || 0) + 1; res.send(String(req.session.views)) })
  app.get('/views', (req, res) => res.send(String(req.session.views || 0)))
  app.get('/set', (req, res) => { req.session[req.query.key] = JSON.parse(req.query.value); res.send('set') })
  app.get('/get', (req, res) => res.json(req.session[req.query.key] ?? null))
  app.get('/since', (req, res) => { req.session.since ??= new Date(0); res.send(String(req.session.since instanceof Date)) })
  app.get('/id', (req, res) => res.send(req.sessionID))
  app.get('/renew', (req, res, next) => {
    const { views } = req.session
    req.session.regenerate(error => {
      if (error) return next(error)
      req.session.views = views
      res.send('renewed')
    })
  })
  app.get('/destroy', (req, res, next) => req.session.destroy(error => error ? next(error) : res.send('gone')))
  const server = app.listen(0, '127.0.0.1', () => console.log(server.address().port))
}

main().catch(error => { console.error(error); process.exit(1) })
