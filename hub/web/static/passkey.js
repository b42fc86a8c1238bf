// Forms that say data-passkey="get" ask the browser for a passkey, those that say "create" have it make one; the answer
// goes into the field "answer", and the form is sent as any other. Without this script they stay hidden.

const bytes = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
const text = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
const listed = (credentials) => (credentials ?? []).map((one) => ({ ...one, id: bytes(one.id) }));

async function ask(form) {
  const response = await fetch(form.dataset.options, { cache: "no-store" });
  if (!response.ok) throw new Error("not offered");
  const options = await response.json();
  options.challenge = bytes(options.challenge);
  if (form.dataset.passkey === "get") {
    options.allowCredentials = listed(options.allowCredentials);
    return navigator.credentials.get({ publicKey: options });
  }
  options.user.id = bytes(options.user.id);
  options.excludeCredentials = listed(options.excludeCredentials);
  return navigator.credentials.create({ publicKey: options });
}

function answer(credential) {
  const response = {};
  for (const name of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]) {
    if (credential.response[name]) response[name] = text(credential.response[name]);
  }
  return JSON.stringify({ id: credential.id, rawId: text(credential.rawId), type: credential.type, response });
}

async function submit(event) {
  const form = event.target;
  // A form that the server would refuse anyway is sent as it is, so that the page says what is wrong with it.
  if (form.elements.answer.value || !form.checkValidity()) return;
  event.preventDefault();
  if (form.dataset.busy) return;
  form.dataset.busy = "yes";
  const failed = form.querySelector("[data-failed]");
  failed.hidden = true;
  try {
    form.elements.answer.value = answer(await ask(form));
    form.submit();
  } catch {
    failed.hidden = false;
  } finally {
    delete form.dataset.busy;
  }
}

for (const form of document.querySelectorAll("form[data-passkey]")) {
  if (window.PublicKeyCredential) {
    form.hidden = false;
    form.addEventListener("submit", submit);
  }
}
for (const line of document.querySelectorAll("[data-without]")) line.hidden = Boolean(window.PublicKeyCredential);
// Whoever comes back to the page asks anew: an answer counts once.
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-passkey]")) form.elements.answer.value = "";
});
