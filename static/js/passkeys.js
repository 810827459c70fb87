// Joins a page's passkey button to the sign-in library's script; says in words what went wrong.
(function () {
  "use strict";

  var button = document.getElementById("passkey");
  if (!button) return;
  if (!window.PublicKeyCredential || !window.allauth) {
    show("passkey-missing");
    return;
  }
  button.hidden = false;
  button.addEventListener("click", function () {
    document.getElementById("passkey-stopped").hidden = true;
  });

  document.addEventListener("allauth.error", function (event) {
    event.preventDefault();
    show("passkey-stopped");
  });

  var join = window.allauth.webauthn.forms[button.dataset.passkey];
  join({
    ids: {
      add: button.id,
      authenticate: button.id,
      login: button.id,
      credential: button.dataset.credential,
      passwordless: button.dataset.passwordless
    },
    data: JSON.parse(button.dataset.options || "null")
  });

  function show(id) {
    document.getElementById(id).hidden = false;
  }
})();
