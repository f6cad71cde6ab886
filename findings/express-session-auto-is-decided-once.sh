#!/usr/bin/env bash
# express-session 1.19.0: `secure: 'auto'` and `sameSite: 'auto'` are decided when a session begins, and kept in its record.
#
# One would guess that each response says what fits its own request. But a later response, with `rolling` or after a change,
# repeats what the first request came to: a session that began over plain http is sent without Secure over https for as long
# as it lives, and one that began over https gets no cookie at all in a response over http.
#
# Seen on 2026-11-30 with Node 20.20.2:
#   began over http, now over https:  Path=/; HttpOnly; SameSite=Lax
#   began over https, now over https: Path=/; HttpOnly; Secure; SameSite=None
#   began over https, now over http:  no cookie
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-fund --no-audit express@5.3.0 express-session@1.19.0
cat >app.js <<'JS'
const http = require('http')
const express = require('express')
const session = require('express-session')

const app = express()
app.use(session({
  secret: 'a secret', resave: false, saveUninitialized: false, rolling: true, proxy: true,
  cookie: { secure: 'auto', sameSite: 'auto' }
}))
app.get('/', (req, res) => { req.session.views = (req.session.views || 0) + 1; res.end() })

const server = app.listen(0, '127.0.0.1', async () => {
  const visit = (proto, cookie) => new Promise(resolve => {
    const headers = { 'X-Forwarded-Proto': proto, ...(cookie && { Cookie: cookie }) }
    http.get({ port: server.address().port, headers }, res => {
      const [header] = res.headers['set-cookie'] || []
      res.resume().on('end', () => resolve(header))
    })
  })
  for (const [first, second] of [['http', 'https'], ['https', 'https'], ['https', 'http']]) {
    const cookie = (await visit(first)).split(';')[0]
    const header = await visit(second, cookie)
    const attributes = header ? header.split('; ').slice(1).join('; ') : 'no cookie'
    console.log(`began over ${first}, now over ${second}: ${attributes}`)
  }
  server.close()
})
JS
cat >expected <<'TEXT'
began over http, now over https: Path=/; HttpOnly; SameSite=Lax
began over https, now over https: Path=/; HttpOnly; Secure; SameSite=None
began over https, now over http: no cookie
TEXT
node app.js | tee seen
diff expected seen && echo "as described"
