// The page is loaded again and again beside the one that is shown, until it tells of no progress any more.
const EVERY = 300;
const parser = new DOMParser();

async function look() {
  const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
  const there = parser.parseFromString(await answer.text(), "text/html");
  const bar = there.getElementById("progress");
  if (bar === null || document.title !== there.title) return location.reload();
  const words = there.getElementById("progress-words").textContent;
  const shown = document.getElementById("progress-words");
  if (shown.textContent !== words) shown.textContent = words;
  document.getElementById("progress").value = bar.value;
}

async function again() {
  try {
    await look();
  } catch {
    // The hub is away for a moment, as when it is started anew.
  }
  setTimeout(again, EVERY);
}

setTimeout(again, EVERY);
