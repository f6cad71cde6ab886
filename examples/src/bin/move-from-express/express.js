// The application as it was before anything moved: Express, express-session, Passport, connect-flash and csurf.
// Its settings are in the environment: STORE is a folder or the URL of Redis, SECRET signs the cookie.
const express = require('express')
const session = require('express-session')
const passport = require('passport')
const { Strategy } = require('passport-local')
const page = require('./page')

const { STORE, SECRET } = process.env

const users = [
  { id: 1, name: 'alice', password: 'wonderland' },
  { id: 2, name: 'bob', password: 'builder' }
]

passport.use(new Strategy((name, password, done) => {
  const user = users.find(user => user.name === name && user.password === password)
  done(null, user || false, { message: 'Wrong name or password.' })
}))
passport.serializeUser((user, done) => done(null, user.id))
passport.deserializeUser((id, done) => done(null, users.find(user => user.id === id) || false))

async function makeStore () {
  if (STORE.startsWith('redis')) {
    const { RedisStore } = require('connect-redis')
    const client = await require('redis').createClient({ url: STORE }).connect()
    return new RedisStore({ client, prefix: 'sess:' })
  }
  const FileStore = require('session-file-store')(session)
  return new FileStore({ path: STORE, logFn () {} })
}

function show (title, req, res) {
  req.session.visits = (req.session.visits || 0) + 1
  const { visits, note } = req.session
  const messages = [...req.flash('info'), ...req.flash('error')]
  res.send(page({ title, visits, note, messages, user: req.user, token: req.csrfToken() }))
}

async function main () {
  const app = express()
  app.use(session({ secret: SECRET, resave: false, saveUninitialized: false, store: await makeStore() }))
  app.use(passport.session())
  app.use(require('connect-flash')())
  app.use(express.urlencoded({ extended: false }))
  app.use(require('csurf')())

  app.get('/', (req, res) => show('Home', req, res))

  app.get('/account', (req, res) => {
    if (!req.user) return res.redirect('/')
    show('Account', req, res)
  })

  app.post('/account/note', (req, res) => {
    if (!req.user) return res.redirect('/')
    req.session.note = req.body.note
    req.flash('info', 'Your note is kept.')
    res.redirect('/')
  })

  app.post('/login', passport.authenticate('local', {
    successRedirect: '/account', failureRedirect: '/', failureFlash: true, keepSessionInfo: true
  }))

  app.post(['/logout', '/account/logout'], (req, res, next) => {
    req.logout(error => error ? next(error) : res.redirect('/'))
  })

  app.use((error, req, res, next) => res.sendStatus(error.status || 500))

  const server = app.listen(0, '127.0.0.1', () => console.log(server.address().port))
  // Ends with the program that started it.
  process.stdin.on('close', () => process.exit()).resume()
}

main().catch(error => { console.error(error); process.exit(1) })
