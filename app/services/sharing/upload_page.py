"""The page where somebody outside chooses files to send: one HTML file that lies beside the names it sends to.

It needs nothing from anywhere: no program, no account, no other site; it sends to the storage that it came from.
"""

from __future__ import annotations

import html
import json
from string import Template

from app.transfer.stores.s3_form import ANY_NAME, UploadForm
from app.words import is_right_to_left, numbers, t

_PAGE = Template(
    """<!DOCTYPE html>
<html dir="$direction"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer"><meta name="robots" content="noindex">
<meta http-equiv="Content-Security-Policy"
 content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'">
<title>$title</title>
<style>
body { font: 16px/1.5 system-ui, sans-serif; background: #f3f5f5; color: #1d2326; margin: 0; }
main { max-width: 34rem; margin: 8vh auto; padding: 2rem; background: #fdfdfd; border-radius: 12px; }
h1 { font-size: 1.4rem; margin: 0 0 .5rem; }
p { color: #56616a; }
label { display: block; border: 2px dashed #9fb4b0; border-radius: 10px; padding: 2rem 1rem; text-align: center;
  cursor: pointer; }
label:focus-within, label.over { border-color: #1f7f70; background: #eef7f5; }
input { position: absolute; opacity: 0; }
li { margin: .25rem 0; } .done { color: #1f7a3d; } .bad { color: #b3322b; }
</style></head><body><main>
<h1>$heading</h1><p>$says</p>
<label id="drop">$choose<input id="files" type="file" multiple></label>
<ul id="list" aria-live="polite"></ul>
</main>
<script type="application/json" id="form">$form</script>
<script type="application/json" id="words">$words</script>
<script>
"use strict";
const read = (id) => JSON.parse(document.getElementById(id).textContent);
const post = read("form"), words = read("words"), list = document.getElementById("list");
let chain = Promise.resolve();
// A name of its own for every file, so that nobody's takes the place of another's.
function fresh() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (one) => one.toString(16).padStart(2, "0")).join("");
}
function filled(file) {
  const form = new FormData();
  for (const [name, value] of Object.entries(post.fields)) {
    form.append(name, name === "key" ? value.replace(post.any, fresh()) : value);
  }
  form.append("file", file, "file");
  return form;
}
function say(row, text, kind) { row.lastChild.textContent = text; row.lastChild.className = kind; }
async function send(file, row) {
  if (file.size > words.limit) { say(row, words.large, "bad"); return; }
  if (file.size === 0) { say(row, words.empty, "bad"); return; }
  say(row, words.sending, "");
  try {
    const told = await fetch(post.url, { method: "POST", body: filled(file) });
    if (told.ok) { say(row, words.sent, "done"); return; }
    say(row, told.status === 403 ? words.expired : words.failed, "bad");
  } catch (error) { say(row, words.failed, "bad"); }
}
function take(files) {
  for (const file of files) {
    const row = document.createElement("li");
    row.append(file.name + " ", document.createElement("span"));
    list.append(row);
    chain = chain.then(() => send(file, row));
  }
}
const drop = document.getElementById("drop"), input = document.getElementById("files");
input.addEventListener("change", () => { take(input.files); input.value = ""; });
drop.addEventListener("dragover", (event) => { event.preventDefault(); drop.classList.add("over"); });
drop.addEventListener("dragleave", () => drop.classList.remove("over"));
drop.addEventListener("drop", (event) => {
  event.preventDefault(); drop.classList.remove("over"); take(event.dataTransfer.files);
});
</script></body></html>
"""
)


def upload_page(form: UploadForm, clinic: str, limit_bytes: int) -> bytes:
    """Return the page, in the language in use; it sends each file by the form, under a name of its own."""
    heading = t("Send images to {clinic}", clinic=clinic) if clinic else t("Send images")
    words = {
        "limit": limit_bytes,
        "sending": t("on its way…"),
        "sent": t("sent, thank you"),
        "failed": t("not sent: try again"),
        "expired": t("not sent: this link does not work any more"),
        "large": t("not sent: larger than {limit}", limit=numbers.size(limit_bytes)),
        "empty": t("not sent: there is nothing in it"),
    }
    return _PAGE.substitute(
        direction="rtl" if is_right_to_left() else "ltr",
        title=html.escape(heading),
        heading=html.escape(heading),
        says=html.escape(t("DICOM files, photographs, or a zip of several. They go to the clinic alone.")),
        choose=html.escape(t("Choose files, or drop them here")),
        form=_inside({"url": form.url, "fields": dict(form.fields), "any": ANY_NAME}),
        words=_inside(words),
    ).encode("utf-8")


def _inside(value: object) -> str:
    """Return JSON that cannot end the element it stands in."""
    return json.dumps(value, ensure_ascii=False).replace("<", "\\u003c")
