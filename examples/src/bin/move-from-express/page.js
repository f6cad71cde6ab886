// The page of the Express application; `page.rs` is the same in Rust.
const escape = text => String(text).replace(/[&<>"']/g, character => `&#${character.charCodeAt(0)};`)

const form = (action, token, inside) =>
  `<form method="post" action="${action}"><input type="hidden" name="_csrf" value="${token}">${inside}</form>`

const logIn = token => form('/login', token,
  'Name <input name="username" value="alice"> Password <input name="password" type="password"> <button>Log in</button>')

const account = (token, note) =>
  form('/account/note', token, `Note <input name="note" value="${escape(note || '')}"> <button>Keep</button>`) +
  form('/logout', token, '<button>Log out at /logout</button>') +
  form('/account/logout', token, '<button>Log out at /account/logout</button>')

module.exports = ({ title, visits, note, messages, user, token }) => `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>${title}</title></head><body>
<h1>${title}</h1>
<p>This page comes from <b>Express</b>. Visit ${visits}.</p>
${messages.map(message => `<p role="status">${escape(message)}</p>`).join('')}
<p>${user ? `You are logged in as ${escape(user.name)}.` : 'You are not logged in.'}</p>
${user ? account(token, note) : logIn(token)}
<p><a href="/">Home</a> <a href="/account">Account</a></p>
</body></html>`
