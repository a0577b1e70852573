// The example web application in a real browser: what its pages show, and what they do for the server.
//
// usage: node check.mjs PROGRAM CHROMIUM     (run by scripts/browser)

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { createRequire } from "node:module";
import { join } from "node:path";

// Installed beside this, not here.
const { chromium } = createRequire(join(process.cwd(), "/"))("playwright-core");

const [program, executablePath] = process.argv.slice(2);
const server = spawn(program, ["127.0.0.1:0"], { stdio: ["ignore", "pipe", "inherit"] });
const ended = once(server, "exit");
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
try {
    const [url] = await once(createInterface(server.stdout), "line");
    await check(url);
    await shutDown(url);
} finally {
    await browser.close();
    server.kill("SIGKILL");
}

// Waits until an element shows this text.
async function shows(page, id, text) {
    const has = ([id, text]) => document.getElementById(id).textContent === text;
    await page.waitForFunction(has, [id, text], { timeout: 10_000 }).catch(async () => {
        assert.equal(await page.textContent(`#${id}`), text);
    });
}

async function open(url, serializer) {
    const page = await browser.newPage();
    page.on("pageerror", (error) => { throw error; });
    await page.goto(`${url}?serializer=${serializer}`);
    await shows(page, "state", `open, with ${serializer}`);
    await shows(page, "sum", "5");
    await shows(page, "error", "wamp.error.no_such_procedure");
    return page;
}

async function check(url) {
    // Nobody there to ask.
    const nobody = await fetch(`${url}title`);
    assert.deepEqual([nobody.status, await nobody.text()], [404, "wamp.error.no_such_procedure\n"]);

    const pages = [];
    for (const serializer of ["json", "msgpack", "cbor"]) {
        pages.push(await open(url, serializer));
        assert.equal(await (await fetch(`${url}title`)).text(), "WAMP in a page");
    }

    // A form that is sent from one page is an event in each of them.
    const text = "Grüße aus dem Browser 🦀 <b>";
    await pages[0].fill("input", text);
    await pages[0].click("button");
    for (const page of pages) await shows(page, "said", text);

    // A page that is closed takes its procedure along.
    for (const page of pages) await page.close();
    for (let status = 0; status !== 404; ) ({ status } = await fetch(`${url}title`));
    await strangersAreKeptOut(url);
}

// Pages of another host may not connect, whatever address they find it at.
async function strangersAreKeptOut(url) {
    const page = await browser.newPage();
    const tryFrom = async (origin) => {
        await page.goto(origin);
        return page.evaluate((socket) => new Promise((resolve) => {
            const opened = new WebSocket(socket, ["wamp.2.json"]);
            opened.onopen = () => resolve("opened");
            opened.onerror = () => resolve("refused");
        }), `${url.replace("http", "ws")}ws`);
    };
    assert.equal(await tryFrom(url), "opened");
    assert.equal(await tryFrom(url.replace("127.0.0.1", "localhost")), "refused");
    await page.close();
}

// The server ends in order, and soon, while a page is open; the page knows why.
async function shutDown(url) {
    const page = await open(url, "json");
    server.kill("SIGINT");
    // Killed, if it does not.
    const late = setTimeout(() => server.kill("SIGKILL"), 20_000);
    assert.deepEqual(await ended, [0, null]);
    clearTimeout(late);
    await shows(page, "state", "closed: wamp.close.system_shutdown");
    console.log(`the web application works in Chromium ${browser.version()}`);
}
