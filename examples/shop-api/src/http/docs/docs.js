// The reference page: reads /openapi.json, lists what it finds, and sends what one fills in.
// All text goes in as text, never as HTML, so a description cannot do anything.

const METHODS = ["get", "post", "put", "patch", "delete", "head", "options"];

/** An element with attributes and children; a child that is a string becomes text. */
function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === true) element.setAttribute(key, "");
    else if (value !== false && value !== undefined) element.setAttribute(key, value);
  }
  element.append(...children.filter((child) => child !== undefined && child !== ""));
  return element;
}

function resolve(api, node) {
  for (let hops = 0; node?.$ref && hops < 20; hops += 1) {
    const path = node.$ref.replace(/^#\//, "").split("/");
    node = path.reduce((at, key) => at?.[key.replaceAll("~1", "/").replaceAll("~0", "~")], api);
  }
  return node ?? {};
}

/** A value that the schema allows: its examples where there are some. */
function sample(api, schema, depth = 0) {
  schema = resolve(api, schema);
  if (schema.example !== undefined) return schema.example;
  if (schema.examples?.length) return schema.examples[0];
  if (schema.default !== undefined) return schema.default;
  if (schema.enum?.length) return schema.enum[0];
  const type = [schema.type].flat().find((name) => name !== "null");
  if (depth > 6) return null;
  if (schema.properties) {
    // In a patch no member is required, and one with an example is enough.
    const entries = Object.entries(schema.properties);
    const chosen = schema.required?.length ? entries : entries.filter(([, member]) => resolve(api, member).example !== undefined);
    return Object.fromEntries(chosen.map(([key, member]) => [key, sample(api, member, depth + 1)]));
  }
  if (type === "array") return [sample(api, schema.items, depth + 1)];
  if (type === "integer" || type === "number") return schema.minimum ?? 0;
  if (type === "boolean") return true;
  return type === "string" ? "" : null;
}

/** Markdown without its line breaks, save those of paragraphs and lists. */
function flow(text) {
  return (text ?? "").replaceAll(/([^\n])\n(?![\n-])\s*/g, "$1 ");
}

/** The text with what stands between backticks as code. */
function prose(text) {
  return flow(text).split("`").map((part, at) => (at % 2 === 1 ? make("code", {}, part) : part));
}

function describe(api, schema) {
  schema = resolve(api, schema);
  const type = [schema.type ?? "any"].flat().filter((name) => name !== "null").join(" or ");
  const facts = [schema.format ? `${type} (${schema.format})` : type];
  if (schema.minimum !== undefined) facts.push(`from ${schema.minimum}`);
  if (schema.maximum !== undefined) facts.push(`to ${schema.maximum}`);
  if (schema.default !== undefined) facts.push(`default ${schema.default}`);
  return facts.join(", ");
}

function inputFor(api, parameter, id) {
  const schema = resolve(api, parameter.schema);
  const required = parameter.required === true;
  if ([schema.type].flat().includes("boolean")) {
    const options = ["", "true", "false"].map((value) => make("option", { value }, value));
    return make("select", { id, name: parameter.name, required }, ...options);
  }
  return make("input", { id, name: parameter.name, required, placeholder: parameter.example, autocomplete: "off", spellcheck: "false" });
}

/** What requests say who they are with. Nothing but this variable keeps it. */
let accessToken = "";

function useToken(token, who) {
  accessToken = token;
  document.getElementById("token").value = token;
  document.getElementById("who").textContent = who;
}

/** What the answer to a bad login says, however it came. */
async function reasonOf(response) {
  try {
    const problem = await response.json();
    return problem.detail ?? problem.title;
  } catch {
    return `the server answered ${response.status}`;
  }
}

async function signIn(form, complaint) {
  const { email, password } = form.elements;
  complaint.textContent = "";
  try {
    const response = await fetch("/v1/auth/login", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ email: email.value, password: password.value, device: "API reference" }),
    });
    if (!response.ok) throw new Error(await reasonOf(response));
    const pair = await response.json();
    const end = new Date(Date.now() + pair.expiresIn * 1000);
    useToken(pair.accessToken, `${email.value}, until ${end.toLocaleTimeString()}`);
    password.value = "";
  } catch (error) {
    complaint.textContent = `Not signed in: ${error.message}`;
  }
}

function prepareAccess() {
  const form = document.getElementById("sign-in");
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = form.querySelector("button");
    button.disabled = true;
    await signIn(form, document.getElementById("sign-in-answer"));
    button.disabled = false;
  });
  document.getElementById("paste").addEventListener("submit", (event) => {
    event.preventDefault();
    const token = document.getElementById("token").value.trim();
    useToken(token, token ? "the one that was pasted" : "none: only what is public will be answered");
  });
}

/** The request that the form describes. */
function requestOf(method, path, operation, parameters, form) {
  const query = new URLSearchParams();
  const headers = {};
  if (accessToken && operation.security) headers.authorization = `Bearer ${accessToken}`;
  for (const parameter of parameters) {
    const value = form.elements[parameter.name].value;
    if (parameter.in === "path") path = path.replace(`{${parameter.name}}`, encodeURIComponent(value));
    else if (value !== "" && parameter.in === "query") query.append(parameter.name, value);
    else if (value !== "" && parameter.in === "header") headers[parameter.name] = value;
  }
  const options = { method: method.toUpperCase(), headers };
  const body = form.elements["request body"];
  if (body) {
    options.body = body.value;
    headers["content-type"] = body.dataset.type;
  }
  return [query.size ? `${path}?${query}` : path, options];
}

function pretty(type, text) {
  if (!/json/.test(type ?? "")) return text;
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

async function send(url, options, answer) {
  answer.replaceChildren(make("p", {}, `${options.method} ${url} …`));
  try {
    const begin = performance.now();
    const response = await fetch(url, options);
    const text = await response.text();
    const millis = Math.round(performance.now() - begin);
    const headers = [...response.headers].map(([name, value]) => `${name}: ${value}`).join("\n");
    answer.replaceChildren(
      make("p", {}, `${options.method} ${url} — `, make("strong", { class: response.status < 400 ? "good" : "bad" }, `${response.status} ${response.statusText}`), ` in ${millis} ms`),
      make("h3", {}, "Headers"),
      make("pre", { tabindex: "0", role: "region", "aria-label": "Headers of the answer" }, headers),
      make("h3", {}, "Body"),
      make("pre", { tabindex: "0", role: "region", "aria-label": "Body of the answer" }, pretty(response.headers.get("content-type"), text) || "(empty)"),
    );
  } catch (error) {
    answer.replaceChildren(make("p", { class: "bad" }, `There was no answer: ${error.message}`));
  }
}

function formFor(api, method, path, operation) {
  const parameters = (operation.parameters ?? []).map((parameter) => resolve(api, parameter));
  const prefix = `${method}${path}`.replaceAll(/[^a-z0-9]+/gi, "-");
  const form = make("form", {});
  for (const parameter of parameters) {
    const id = `${prefix}-${parameter.name}`;
    const notes = [flow(parameter.description), describe(api, parameter.schema)].filter(Boolean).join(" — ");
    const label = make("label", { for: id }, make("code", {}, parameter.name), parameter.required ? " (required)" : "");
    form.append(make("div", { class: "field" }, label, inputFor(api, parameter, id), make("span", {}, ...prose(notes))));
  }
  const [type, media] = Object.entries(resolve(api, operation.requestBody).content ?? {})[0] ?? [];
  if (type) {
    const id = `${prefix}-request-body`;
    const area = make("textarea", { id, name: "request body", "data-type": type, spellcheck: "false" });
    area.value = JSON.stringify(media.example ?? sample(api, media.schema), null, 2);
    form.append(make("div", { class: "field" }, make("label", { for: id }, "Body, ", make("code", {}, type)), area));
  }
  const button = make("button", { type: "submit" }, "Send");
  const answer = make("div", { "aria-live": "polite" });
  form.append(button, answer);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    button.disabled = true;
    await send(...requestOf(method, path, operation, parameters, form), answer);
    button.disabled = false;
  });
  return form;
}

function responsesOf(api, operation) {
  const list = make("dl", {});
  for (const [status, node] of Object.entries(operation.responses ?? {})) {
    const response = resolve(api, node);
    const types = Object.keys(response.content ?? {}).join(", ");
    list.append(make("dt", {}, make("code", {}, status)), make("dd", {}, ...prose(response.description), types ? make("code", {}, ` ${types}`) : ""));
  }
  return list;
}

function sectionFor(api, method, path, operation) {
  const summary = make("summary", {}, make("span", { class: "method" }, method.toUpperCase()), make("span", { class: "path" }, path), make("span", { class: "brief" }, operation.summary ?? ""));
  const details = make("details", {}, summary);
  // The forms are built when they are looked at: a large document opens at once.
  details.addEventListener("toggle", () => {
    if (details.childElementCount > 1) return;
    const inside = make("div", { class: "inside" });
    if (operation.description) inside.append(make("p", { class: "about" }, ...prose(operation.description)));
    inside.append(make("h3", {}, "Answers"), responsesOf(api, operation), make("h3", {}, "Try it"), formFor(api, method, path, operation));
    details.append(inside);
  });
  return details;
}

function render(api) {
  document.title = api.info.title;
  document.getElementById("title").textContent = `${api.info.title} ${api.info.version}`;
  for (const paragraph of (api.info.description ?? "").split("\n\n")) {
    document.getElementById("description").append(make("p", {}, ...prose(paragraph)));
  }
  const groups = new Map();
  for (const [path, item] of Object.entries(api.paths)) {
    for (const method of METHODS.filter((name) => item[name])) {
      const tag = item[method].tags?.[0] ?? "other";
      if (!groups.has(tag)) groups.set(tag, make("section", { "aria-label": tag }, make("h2", {}, tag)));
      groups.get(tag).append(sectionFor(api, method, path, item[method]));
    }
  }
  document.getElementById("operations").append(...groups.values());
}

prepareAccess();
const state = document.getElementById("state");
try {
  const response = await fetch("/openapi.json");
  if (!response.ok) throw new Error(`the server answered ${response.status}`);
  render(await response.json());
  state.remove();
} catch (error) {
  state.textContent = `The OpenAPI document could not be read: ${error.message}`;
}
