import { Button, createAll } from "./govuk/govuk-frontend.min.js";

const wall = document.getElementById("wall");
const state = document.getElementById("wall-state");
const source = new EventSource(wall.dataset.live);
let news;
let ending;
const AGAIN = 15000; // milliseconds: a stream ends every few minutes, and the browser has another long before

function show(text) {
  if (state.textContent !== text) state.textContent = text;
}

// Whoever is about to press something must not have it taken away: the news waits until they are elsewhere.
function apply() {
  if (news === undefined || wall.contains(document.activeElement)) return;
  wall.innerHTML = news;
  news = undefined;
  createAll(Button, undefined, wall);
}

wall.addEventListener("focusout", () => setTimeout(apply));
source.addEventListener("open", () => {
  clearTimeout(ending);
  ending = undefined;
  show("Live: this page changes by itself.");
});
source.addEventListener("message", (event) => {
  news = event.data;
  apply();
});
source.addEventListener("error", () => {
  const time = new Date().toLocaleTimeString("en-GB", { timeZone: "Europe/London" });
  const lost = `Not live since ${time}. If this stays, the hub does not answer or you have been signed out: load the page again.`;
  ending ??= setTimeout(() => show(lost), AGAIN);
});
