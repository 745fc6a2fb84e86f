// Finds errors in the index by a pasted text: by the same wordings, codes and types that llm-triage goes by. Works without a server.
"use strict";

const MAX_FOUND = 10;
// What a piece of evidence weighs. A wording weighs more the longer the text is that it matches.
const WEIGHT = { wording: 40, specific: 30, generic: 8, provider: 10, otherProvider: -25, status: 8, statusAlone: 18, words: 25 };
// Less is no evidence.
const LEAST = 12;

const expressions = new Map();

function expression(source) {
  if (!expressions.has(source)) {
    let compiled = null;
    try {
      compiled = new RegExp(source, "i");
    } catch {
      // A browser that does not know a construct finds the error by its other evidence.
    }
    expressions.set(source, compiled);
  }
  return expressions.get(source);
}

function wordsOf(text) {
  return new Set(text.toLowerCase().match(/[a-z_][a-z0-9_.]{2,}/g) || []);
}

// Whether the text has the word, not as a part of a longer one.
function has(text, word) {
  for (let at = text.indexOf(word); at >= 0; at = text.indexOf(word, at + 1)) {
    if (!/[a-z0-9_]/.test(text[at - 1] || " ") && !/[a-z0-9_]/.test(text[at + word.length] || " ")) {
      return true;
    }
  }
  return false;
}

// Whether the text has a type or a code. `finish_reason:length` is a key and its value.
function hasName(text, name) {
  return name.split(":").every((part) => part === "" || has(text, part));
}

// The share of the words of a known wording that the text has.
function likeness(words, wording) {
  const known = wordsOf(wording);
  let shared = 0;
  for (const word of known) {
    shared += words.has(word) ? 1 : 0;
  }
  return known.size > 1 ? shared / known.size : 0;
}

function score(error, text, lower, words, named) {
  let total = 0;
  let longest = 0;
  for (const source of error.messages) {
    const match = expression(source)?.exec(text);
    longest = Math.max(longest, match ? match[0].length : 0);
  }
  total += longest > 0 ? WEIGHT.wording + Math.min(longest, 60) / 2 : 0;
  total += error.specific.some((name) => hasName(lower, name)) ? WEIGHT.specific : 0;
  total += error.generic.some((name) => hasName(lower, name)) ? WEIGHT.generic : 0;
  total += WEIGHT.words * Math.max(0, ...error.wordings.map((wording) => likeness(words, wording) - 0.4));
  if (error.statuses.some((status) => has(lower, status))) {
    total += error.isStatus ? WEIGHT.statusAlone : WEIGHT.status;
  }
  if (error.providers.length > 0 && named.size > 0 && total > 0) {
    total += error.providers.some((name) => named.has(name)) ? WEIGHT.provider : WEIGHT.otherProvider;
  }
  return has(lower, error.id) ? total + 100 : total;
}

function find(text) {
  const lower = text.toLowerCase();
  const words = wordsOf(text);
  const names = new Set(ERRORS.flatMap((error) => error.providers));
  const named = new Set([...names].filter((name) => has(lower, name)));
  return ERRORS.map((error) => ({ error, score: score(error, text, lower, words, named) }))
    .filter((found) => found.score >= LEAST)
    .sort((a, b) => b.score - a.score)
    .slice(0, MAX_FOUND)
    .map((found) => found.error);
}

function show(text) {
  const found = text.trim() === "" ? [] : find(text);
  const items = found.map((error) => {
    const item = document.createElement("li");
    const link = document.createElement("a");
    link.href = error.page;
    link.textContent = `${error.title} (${error.id})`;
    const fix = document.createElement("p");
    fix.textContent = error.fix;
    item.append(link, fix);
    return item;
  });
  document.getElementById("found").replaceChildren(...items);
  const count = document.getElementById("count");
  count.textContent = text.trim() === "" ? "" : found.length === 0 ? "No error is like this text." : `${found.length} found, the most alike first.`;
}

if (typeof document !== "undefined") {
  const field = document.getElementById("text");
  document.getElementById("search").addEventListener("submit", (event) => {
    event.preventDefault();
    show(field.value);
  });
  field.addEventListener("input", () => show(field.value));
}
