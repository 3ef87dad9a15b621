// A plain page: the list of jobs, and one job with the end of its output. Text of users becomes text
// nodes alone.
const main = document.getElementById("main");
const message = document.getElementById("message");
const signIn = document.getElementById("sign-in");
const asked = new URLSearchParams(location.search);

function element(name, attributes, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

async function get(path, headers = {}) {
  const answer = await fetch(path, { headers });
  if (answer.ok) return answer;
  const { error } = await answer.json();
  if (answer.status === 401) signIn.hidden = false;
  throw new Error(error.hint === null ? error.message : `${error.message}. ${error.hint}`);
}

function table(titles, rows) {
  const line = (cell, texts) =>
    element("tr", {}, ...texts.map((text) => element(cell, {}, text ?? "")));
  return element("table", {}, line("th", titles), ...rows.map((row) => line("td", row)));
}

async function showJobs() {
  const { jobs: counts } = await (await get("/api/status")).json();
  const links = Object.entries(counts).map(([state, count]) =>
    element("a", { href: `/?state=${state}` }, `${state} ${count}`)
  );
  const wanted = new URLSearchParams(asked);
  wanted.delete("code");
  const { jobs, next_cursor } = await (await get(`/api/jobs?${wanted}`)).json();
  const rows = jobs.map(({ id, state, created_at, command }) => [
    element("a", { href: `/?job=${id}` }, id),
    state,
    new Date(created_at).toLocaleString(),
    command,
  ]);
  const parts = [element("nav", {}, ...links), table(["Id", "State", "Enqueued", "Command"], rows)];
  if (next_cursor !== null) {
    wanted.set("cursor", next_cursor);
    parts.push(element("a", { href: `/?${wanted}` }, "Older"));
  }
  main.replaceChildren(...parts);
}

async function showJob(id) {
  const job = await (await get(`/api/jobs/${encodeURIComponent(id)}`)).json();
  const attempts = job.history.map((one) => [
    String(one.attempt),
    one.worker,
    one.started_at,
    one.ended_at,
    one.outcome ?? "running",
    one.error,
  ]);
  const parts = [
    element("h2", {}, job.id),
    element("p", {}, job.state),
    element("pre", {}, job.command),
    table(["Attempt", "Worker", "Started", "Ended", "Outcome", "Error"], attempts),
  ];
  if (job.logs.some(({ size }) => size > 0)) {
    const path = `/api/jobs/${encodeURIComponent(id)}/logs`;
    const log = await get(path, { range: "bytes=-65536" });
    parts.push(element("pre", {}, await log.text()));
    parts.push(element("a", { href: `${path}?download=true` }, "Download"));
  }
  main.replaceChildren(...parts);
}

async function show() {
  message.textContent = "";
  try {
    await (asked.has("job") ? showJob(asked.get("job")) : showJobs());
  } catch (error) {
    message.textContent = error.message;
  }
}

signIn.querySelector("input").addEventListener("change", async ({ target }) => {
  const answer = await fetch("/api/session", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ token: target.value.trim() }),
  });
  signIn.hidden = answer.ok;
  await show();
});

await show();
