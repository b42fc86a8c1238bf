import { Button, createAll } from "./govuk/govuk-frontend.min.js";

// The part of the page that says data-live becomes what it is now when its stream tells that it is not as it was: by
// itself, or, for a part that bears a mark, by another mark. That one is asked for anew, and only while the page is to
// be seen: what is shown has been read, and the audit log says so. What somebody types stands elsewhere.
const part = document.querySelector("[data-live]");
const state = document.getElementById("live-state");
const marked = part.dataset.mark !== undefined;
let shown = part.dataset.mark;
let newest = shown;
let source;
let busy = false;
let ending;
const AGAIN = 15000; // milliseconds: a stream ends every few minutes, and the browser has another long before

function say(text) {
  if (state.textContent !== text) state.textContent = text;
}

function lost(since = new Date()) {
  const time = since.toLocaleTimeString("en-GB", { timeZone: "Europe/London" });
  say(`Not live since ${time}. If this stays, the hub does not answer or you have been signed out: load the page again.`);
}

// Nobody sees the page: it holds no connection then, as a browser has six for one hub. One without a mark goes on, as it
// is there to be hung up, and keeps its session.
function unseen() {
  return marked && document.hidden;
}

// Nothing is taken away from under somebody who is about to press it.
function inUse() {
  return unseen() || part.contains(document.activeElement);
}

async function asked() {
  const answer = await fetch(location.href, { headers: { Accept: "text/html" }, redirect: "error", cache: "no-store" });
  const there = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById(part.id);
  if (there === null) throw new Error("another page");
  return there.innerHTML;
}

async function renew() {
  if (busy || newest === shown || inUse()) return;
  busy = true;
  const wanted = newest;
  try {
    const html = marked ? await asked() : wanted;
    if (inUse()) return; // since it was asked for; it is asked for again when they are elsewhere
    part.innerHTML = html;
    createAll(Button, undefined, part);
    shown = wanted;
  } catch {
    lost();
    source.close();
  } finally {
    busy = false;
  }
  if (source.readyState === EventSource.CLOSED) setTimeout(listen, 5000);
  else renew();
}

function listen() {
  source?.close();
  if (unseen()) return;
  source = new EventSource(part.dataset.live);
  source.addEventListener("open", () => {
    clearTimeout(ending);
    ending = undefined;
    say("Live: what is new comes up by itself.");
  });
  source.addEventListener("error", () => {
    const since = new Date();
    ending ??= setTimeout(() => lost(since), AGAIN);
  });
  source.addEventListener("message", (event) => {
    newest = event.data;
    renew();
  });
}

part.addEventListener("focusout", () => setTimeout(renew));
if (marked) document.addEventListener("visibilitychange", listen);
listen();
