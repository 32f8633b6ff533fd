// Passkeys: asks the browser for a credential and hands it to the server. Without scripts other ways stay open.
const token = () => document.querySelector("input[name=csrf_token]").value;

async function post(url, body) {
  const answer = await fetch(url, {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-CSRFToken": token() },
    body: JSON.stringify(body ?? {}),
  });
  if (answer.status === 401) {
    const onward = await answer.json().catch(() => null);
    if (onward?.go) location.assign(onward.go); // both factors are asked for again first
  }
  if (!answer.ok) throw new Error(String(answer.status));
  return answer.json();
}

async function run(button) {
  const options = await post(button.dataset.options);
  const creating = button.dataset.passkey === "create";
  const publicKey = creating
    ? PublicKeyCredential.parseCreationOptionsFromJSON(options)
    : PublicKeyCredential.parseRequestOptionsFromJSON(options);
  const made = creating
    ? await navigator.credentials.create({ publicKey })
    : await navigator.credentials.get({ publicKey });
  const done = await post(button.dataset.answer, { credential: made.toJSON(), name: document.querySelector("[data-passkey-name]")?.value ?? "" });
  location.assign(done.go);
}

for (const button of document.querySelectorAll("[data-passkey]")) {
  button.addEventListener("click", async () => {
    const error = document.querySelector("[data-passkey-error]");
    error.hidden = true;
    button.disabled = true;
    try {
      await run(button);
    } catch {
      error.hidden = false;
    }
    button.disabled = false;
  });
}
