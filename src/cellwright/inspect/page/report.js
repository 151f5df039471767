// The report of one text: the recording stands in the page.
const view = new View(document.querySelector("main"), new Choice());
view.show(JSON.parse(document.getElementById("recording").textContent));
