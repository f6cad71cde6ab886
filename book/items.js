// Some pages are also the front pages of crates, where rustdoc links to items by their paths: `Builder::create_tables`. Here such
// a link asks docs.rs for the item.
(() => {
    const page = location.pathname.match(/(?:adapters|stores|formats|testing)\/([a-z]+)\/|\/(contract)\//);
    if (!page) {
        return;
    }
    const name = page[2] ? 'store' : page[1];
    for (const link of document.querySelectorAll('main a[href]')) {
        const item = link.getAttribute('href');
        if (/^[A-Za-z_]\w*(::\w+)*$/.test(item)) {
            const query = encodeURIComponent(item.replace(/^\w+::(?=[A-Z])/, ''));
            link.href = `https://docs.rs/cloakroom-${name}/latest/cloakroom_${name}/?search=${query}`;
        }
    }
})();
