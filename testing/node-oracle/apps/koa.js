// A Koa application with koa-generic-session. Its settings are in the environment: URL, SECRETS (with commas).
const Koa = require('koa')
const session = require('koa-generic-session')
const redisStore = require('koa-redis')

const app = new Koa()
app.keys = process.env.SECRETS.split(',')
app.use(session({ store: redisStore({ url: process.env.URL }) }))
app.use(async ctx => {
  const { path, query, session } = ctx
  switch (path) {
    case '/count':
      session.views = (session.views || 0) + 1
      ctx.body = String(session.views)
      break
    case '/views': ctx.body = String(session.views || 0); break
    case '/set': session[query.key] = JSON.parse(query.value); ctx.body = 'set'; break
    case '/get': ctx.body = JSON.stringify(session[query.key] ?? null); break
    case '/id': ctx.body = ctx.sessionId || ''; break
    case '/renew': {
      const { views } = session
      await ctx.regenerateSession()
      ctx.session.views = views
      ctx.body = 'renewed'
      break
    }
    case '/destroy': ctx.session = null; ctx.body = 'gone'; break
  }
})
const server = app.listen(0, '127.0.0.1', () => console.log(server.address().port))
