// What polkadot.js makes of an escrow: `node decode.cjs FOLDER ws://127.0.0.1:PORT NUMBER`, where FOLDER holds its
// packages. Prints the record as polkadot.js shows it to people, in JSON.
const { createRequire } = require("node:module");
const [folder, url, number] = process.argv.slice(2);
const { ApiPromise, WsProvider } = createRequire(`${folder}/`)("@polkadot/api");

async function main() {
  const api = await ApiPromise.create({ provider: new WsProvider(url), noInitWarn: true });
  const escrow = await api.query.escrow.escrows(number);
  process.stdout.write(JSON.stringify(escrow.toHuman()));
  await api.disconnect();
}

main().catch((error) => { console.error(String(error)); process.exit(1); });
