#!/usr/bin/env bash
# passport 0.7.0 with express-session 1.19.0: a log-out stores a new, empty session and sends its cookie, although
# `saveUninitialized` is false.
#
# One would guess that after `req.logout()` the store has no record and the browser no session. But passport begins the session
# anew, and express-session takes a session whose id has changed for one that was modified. So every log-out leaves a record
# until it expires, and a store that counts records as users who are there counts one for each.
#
# Seen on 2026-11-30 with Node 20.20.2:
#   after the log-in: 1 record, after the log-out: 1 record, with other id: true, members: cookie, cookie sent: true
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-fund --no-audit express@5.3.0 express-session@1.19.0 passport@0.7.0
cat >app.js <<'JS'
const http = require('http')
const express = require('express')
const session = require('express-session')
const passport = require('passport')

const store = new session.MemoryStore()
passport.serializeUser((user, done) => done(null, user.id))
passport.deserializeUser((id, done) => done(null, { id }))
const app = express()
app.use(session({ secret: 'a secret', resave: false, saveUninitialized: false, store }))
app.use(passport.session())
app.get('/in', (req, res, next) => req.login({ id: 7 }, error => error ? next(error) : res.end()))
app.get('/out', (req, res, next) => req.logout(error => error ? next(error) : res.end()))

const server = app.listen(0, '127.0.0.1', async () => {
  const visit = (path, cookie) => new Promise(resolve => {
    const headers = cookie ? { Cookie: cookie } : {}
    http.get({ port: server.address().port, path, headers }, res => {
      const [header] = res.headers['set-cookie'] || []
      res.resume().on('end', () => resolve(header))
    })
  })
  const before = await visit('/in')
  const first = Object.keys(store.sessions)
  const after = await visit('/out', before.split(';')[0])
  const last = Object.keys(store.sessions)
  const members = Object.keys(JSON.parse(store.sessions[last[0]])).join(' ')
  console.log(`after the log-in: ${first.length} record, after the log-out: ${last.length} record, with other id: ` +
    `${first[0] !== last[0]}, members: ${members}, cookie sent: ${after !== undefined}`)
  server.close()
})
JS
echo 'after the log-in: 1 record, after the log-out: 1 record, with other id: true, members: cookie, cookie sent: true' >expected
node app.js | tee seen
diff expected seen && echo "as described"
