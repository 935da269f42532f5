// Whether the verdict in this page is the one that somebody signed.
//
// What belongs here: DSSE (its pre-authentication encoding), SSHSIG (openssh, PROTOCOL.sshsig) and the statement's subject. What
// does not: whom a key belongs to, which a page can only repeat. What is not known to hold is never called valid.

const signature = (() => {
  const NAMESPACE = "windtunnel";
  const encoder = new TextEncoder();
  const bytesOf = (base64) => Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  const joined = (...parts) => {
    const all = new Uint8Array(parts.reduce((total, part) => total + part.length, 0));
    parts.reduce((at, part) => (all.set(part, at), at + part.length), 0);
    return all;
  };
  const hexOf = (bytes) => [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  const digest = async (name, bytes) => new Uint8Array(await crypto.subtle.digest(name, bytes));

  // Strings of a length of four bytes before each, as SSH writes them.
  function reader(bytes) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    let at = 0;
    const take = (count) => {
      if (at + count > bytes.length) throw new Error("it is cut off");
      at += count;
      return bytes.subarray(at - count, at);
    };
    const number = () => view.getUint32((take(4), at - 4));
    return { take, number, string: () => take(number()), text: () => new TextDecoder().decode(take(number())) };
  }

  const written = (bytes) => {
    const length = new Uint8Array(4);
    new DataView(length.buffer).setUint32(0, bytes.length);
    return joined(length, bytes);
  };

  function parse(blob) {
    const read = reader(blob);
    if (new TextDecoder().decode(read.take(6)) !== "SSHSIG" || read.number() !== 1) throw new Error("it is no SSH signature");
    const key = read.string();
    const [namespace, reserved, hash] = [read.text(), read.string(), read.text()];
    const [inner, signed] = [reader(key), reader(read.string())];
    return { key, keyType: inner.text(), keyBytes: inner, namespace, reserved, hash, type: signed.text(), value: signed };
  }

  function encode(envelope) {
    const [type, payload] = [encoder.encode(envelope.payloadType), bytesOf(envelope.payload)];
    return joined(encoder.encode(`DSSEv1 ${type.length} `), type, encoder.encode(` ${payload.length} `), payload);
  }

  async function holds(parsed, content) {
    const digests = { sha512: "SHA-512", sha256: "SHA-256" };
    if (!digests[parsed.hash]) throw new Error(`the hash ${parsed.hash} is not known here`);
    const hashed = await digest(digests[parsed.hash], content);
    const text = (value) => written(encoder.encode(value));
    const signed = joined(encoder.encode("SSHSIG"), text(parsed.namespace), written(parsed.reserved), text(parsed.hash), written(hashed));
    const key = await crypto.subtle.importKey("raw", parsed.keyBytes.string(), { name: "Ed25519" }, false, ["verify"]);
    return crypto.subtle.verify({ name: "Ed25519" }, key, parsed.value.string(), signed);
  }

  const found = (state, text, more = {}) => ({ state, text, ...more });

  // {state: "valid" | "broken" | "unknown" | "absent", text, fingerprint, principal, receipt} of the envelope around `content`, the bytes of
  // verdict.json. `seal`: {envelope, principal}, as it was published, or null.
  async function check(seal, content) {
    if (!seal || !seal.envelope) return found("absent", "Nobody signed this verdict, or it was not yet published when this page was drawn.");
    if (!globalThis.crypto || !crypto.subtle) return found("unknown", "This browser gives pages no cryptography here: the signature was not checked.");
    let named = {};
    try {
      const { envelope, principal } = seal;
      const signatures = envelope.signatures || [];
      if (signatures.length !== 1) return found("broken", `The envelope holds ${signatures.length} signatures, and one is expected.`);
      const parsed = parse(bytesOf(signatures[0].sig));
      const print = btoa(String.fromCharCode(...(await digest("SHA-256", parsed.key)))).replace(/=+$/, "");
      named = { fingerprint: `SHA256:${print}`, principal };
      if (signatures[0].keyid && signatures[0].keyid !== named.fingerprint) return found("broken", "The envelope names another key than signed it.", named);
      if (parsed.namespace !== NAMESPACE) return found("broken", `The signature was made for ${parsed.namespace}, not for ${NAMESPACE}.`, named);
      if (parsed.keyType !== "ssh-ed25519" || parsed.type !== "ssh-ed25519") {
        return found("unknown", `A key of type ${parsed.keyType} is not checked by this page: windtunnel verify does.`, named);
      }
      const statement = JSON.parse(new TextDecoder().decode(bytesOf(envelope.payload)));
      const subject = (statement.subject || []).find((one) => one.name === "verdict.json");
      const isOurs = subject && subject.digest.sha256 === hexOf(await digest("SHA-256", content));
      if (!(await holds(parsed, encode(envelope)))) return found("broken", "The signature does not hold: the record that it is of was changed.", named);
      if (!isOurs) return found("broken", "The signature is of another verdict than the one in this page.", named);
      const receipt = (statement.predicate && statement.predicate.receipt) || null;
      return found("valid", "The signature holds, and is of the verdict in this page.", { ...named, receipt });
    } catch (error) {
      const isUnsupported = error instanceof DOMException && error.name === "NotSupportedError";
      if (isUnsupported) return found("unknown", "This browser knows no Ed25519: the signature was not checked.", named);
      return found("broken", `The signature cannot be read: ${error.message || error}.`, named);
    }
  }

  return { check };
})();
