// An SMSC of the npm package "smpp", told what to do and asked what it saw over a control port: one JSON object a line.
// Usage: node smsc.js MODULES [KEY CERTIFICATE]. It ends with its standard input.
"use strict";
const net = require("node:net");
const path = require("node:path");
const fs = require("node:fs");
const readline = require("node:readline");
const [modules, key, certificate] = process.argv.slice(2);
const smpp = require(path.join(modules, "smpp"));

// The hub's own optional parameter, in the vendor range.
smpp.addTLV("fingerpost_delivery", { id: 0x1400, type: smpp.types.tlv.string });

const faults = { bind: [], submit: [], taken: [] };
const bytes = [];
const submits = [];
const sessions = new Set();
let connections = 0;
let met = 0;
let waiting = [];
let mute = false;
let idForm = "text";
let account = { system_id: "hub", password: "secret" };

function fault(place, session, pdu) {
  const next = faults[place].shift();
  if (next === undefined) return false;
  met += 1;
  waiting = waiting.filter((one) => !one());
  if (next.status !== undefined) session.send(pdu.response({ command_status: next.status, message_id: "FREE" }));
  else if (next.nack) session.send(new smpp.PDU("generic_nack", { sequence_number: pdu.sequence_number, command_status: next.nack }));
  else if (next.raw !== undefined) session.socket.write(Buffer.from(next.raw, "hex"));
  else if (next.drop) session.socket.destroy();
  return true; // else it hangs
}

function messageId(number) {
  return { text: `id-${number}`, hex: (0xabc000 + number).toString(16).toUpperCase() }[idForm];
}

function serve(session) {
  connections += 1;
  sessions.add(session);
  const read = session.socket.read.bind(session.socket);
  session.socket.read = (size) => {
    const chunk = read(size);
    if (chunk) bytes.push(Buffer.from(chunk));
    return chunk;
  };
  session.on("error", () => session.socket.destroy());
  session.on("close", () => sessions.delete(session));
  session.on("bind_transceiver", (pdu) => {
    if (fault("bind", session, pdu)) return;
    const known = pdu.system_id === account.system_id && pdu.password === account.password;
    session.bound = known;
    session.send(pdu.response({ system_id: "SMSC", command_status: known ? 0 : smpp.ESME_RINVPASWD }));
  });
  session.on("enquire_link", (pdu) => mute || session.send(pdu.response()));
  session.on("unbind", (pdu) => {
    session.send(pdu.response());
    session.close();
  });
  session.on("submit_sm", (pdu) => {
    const number = submits.length + 1;
    submits.push({
      key: pdu.fingerpost_delivery === undefined ? null : pdu.fingerpost_delivery.toString(),
      source: pdu.source_addr,
      source_ton: pdu.source_addr_ton,
      destination: pdu.destination_addr,
      destination_ton: pdu.dest_addr_ton,
      destination_npi: pdu.dest_addr_npi,
      text: pdu.short_message.message,
      data_coding: pdu.data_coding,
      registered_delivery: pdu.registered_delivery,
      validity_period: pdu.validity_period instanceof Date ? pdu.validity_period.toISOString() : pdu.validity_period,
      bound: session.bound === true,
    });
    if (fault("submit", session, pdu) || fault("taken", session, pdu)) return;
    session.send(pdu.response({ message_id: messageId(number) }));
  });
}

const one = () => [...sessions].filter((session) => session.bound).at(-1);
const commands = {
  fail: (asked) => void faults[asked.place].push(asked.fault),
  seen: () => ({ submits, connections, bound: sessions.size, bytes: Buffer.concat(bytes).toString("hex") }),
  met: () => met,
  reached: (asked, answer) => {
    const look = () => met > asked.after && (answer(met), true);
    if (!look()) waiting.push(look);
    return answer;
  },
  mute: (asked) => void (mute = asked.on),
  ids: (asked) => void (idForm = asked.form),
  account: (asked) => void (account = asked.account),
  hangUp: () => sessions.forEach((session) => session.socket.destroy()),
  raw: (asked) => void one().socket.write(Buffer.from(asked.hex, "hex")),
  // Sends a request and answers with the status of its response.
  request: (asked, answer) => {
    one()[asked.command](asked.fields, (response) => answer({ command: response.command, status: response.command_status }));
    return answer;
  },
};

const control = net.createServer((socket) => {
  socket.on("error", () => socket.destroy());
  readline.createInterface({ input: socket }).on("line", (line) => {
    const asked = JSON.parse(line);
    const answer = (value) => socket.write(JSON.stringify({ answer: value === undefined ? null : value }) + "\n");
    const value = commands[asked.do](asked, answer);
    if (value !== answer) answer(value);
  });
});

const listening = (server) => new Promise((done) => server.listen(0, "127.0.0.1", () => done(server.address().port)));
(async () => {
  const ports = { control: await listening(control), plain: await listening(smpp.createServer(serve)) };
  if (key) {
    const identity = { key: fs.readFileSync(key), cert: fs.readFileSync(certificate) };
    ports.tls = await listening(smpp.createServer(identity, serve));
  }
  console.log(JSON.stringify(ports));
})();
process.stdin.resume();
process.stdin.on("end", () => process.exit(0));
