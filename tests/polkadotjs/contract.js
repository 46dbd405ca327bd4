// What polkadot.js makes of a chain: usage `node contract.js ws://127.0.0.1:PORT`.
// Prints one JSON object, which tests/integration/devchain_rpc/test_polkadot_js.py compares with what Python sees.

import { ApiPromise, Keyring, WsProvider } from "@polkadot/api";
import { u8aConcat } from "@polkadot/util";
import { cryptoWaitReady } from "@polkadot/util-crypto";

const WAIT_MS = 30_000;
const UNIT = 10n ** 12n;

/** Fail when something does not come in time. */
function within(promise, what) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`waited in vain for ${what}`)), WAIT_MS);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** The first value of a subscription for which `wanted` holds. */
function heard(subscribe, wanted, what) {
  let stop;
  const promise = new Promise((resolve, reject) => {
    subscribe((value) => {
      if (wanted(value)) resolve(value);
    }).then((unsubscribe) => { stop = unsubscribe; }, reject);
  });
  return { done: within(promise, what).finally(() => stop?.()) };
}

/** Sign, send, and follow a transaction until it is final. */
async function send(api, transaction, signer) {
  const statuses = [];
  let stop;
  const result = await within(
    new Promise((resolve, reject) => {
      transaction
        .signAndSend(signer, (update) => {
          statuses.push(update.status.type);
          if (update.status.isFinalized) resolve(update);
          if (update.isError) reject(new Error(update.status.type));
        })
        .then((unsubscribe) => { stop = unsubscribe; }, reject);
    }),
    transaction.method.method,
  );
  stop?.();
  return {
    statuses,
    block: result.status.asFinalized.toHex(),
    events: result.events.map(({ event }) => `${event.section}.${event.method}`),
    error: result.dispatchError
      ? (result.dispatchError.isModule
        ? api.registry.findMetaError(result.dispatchError.asModule).name
        : result.dispatchError.toString())
      : null,
  };
}

/** Names and indices of all pallets, calls, events, errors and constants. */
function describe(api) {
  const { pallets } = api.runtimeMetadata.asLatest;
  const lookup = api.registry.lookup;
  const variants = (option) =>
    option.isNone
      ? []
      : lookup.getSiType(option.unwrap().type).def.asVariant.variants.map((each) => ({
          name: each.name.toString(),
          index: each.index.toNumber(),
          fields: each.fields.map((field) => field.name.isSome ? field.name.unwrap().toString() : null),
        }));
  return pallets.map((pallet) => ({
    name: pallet.name.toString(),
    index: pallet.index.toNumber(),
    calls: variants(pallet.calls),
    events: variants(pallet.events),
    errors: variants(pallet.errors),
    constants: pallet.constants.map((constant) => constant.name.toString()),
    storage: pallet.storage.isNone ? [] : pallet.storage.unwrap().items.map((item) => item.name.toString()),
  }));
}

/** Every storage item of every pallet, read and counted. */
async function readStorage(api, at) {
  const found = {};
  for (const pallet of api.runtimeMetadata.asLatest.pallets) {
    if (pallet.storage.isNone) continue;
    for (const item of pallet.storage.unwrap().items) {
      const name = item.name.toString();
      const section = pallet.name.toString().charAt(0).toLowerCase() + pallet.name.toString().slice(1);
      const query = at.query[section]?.[name.charAt(0).toLowerCase() + name.slice(1)];
      if (!query) continue;
      const entries = item.type.isMap ? (await query.entries()).length : (await query()).toHex();
      found[`${pallet.name}.${name}`] = entries;
    }
  }
  return found;
}

/** Every call, encoded with default arguments and decoded again from its bytes. */
function roundTrip(api) {
  const calls = {};
  for (const [section, methods] of Object.entries(api.tx)) {
    for (const [method, make] of Object.entries(methods)) {
      if (!make.meta) continue;
      const values = make.meta.args.map((argument) => api.registry.createType(argument.type.toString()));
      try {
        const encoded = make(...values).method.toHex();
        const again = api.registry.createType("Call", encoded);
        calls[`${section}.${method}`] = { encoded, same: again.toHex() === encoded, name: `${again.section}.${again.method}` };
      } catch (error) {
        calls[`${section}.${method}`] = { error: error.message };
      }
    }
  }
  return calls;
}

/** Whether a type has a value at all: an enum without variants has none, nor has what contains one. */
function hasValues(lookup, id) {
  const { def } = lookup.getSiType(id);
  const all = (ids) => ids.every((each) => hasValues(lookup, each));
  if (def.isVariant) {
    const [first] = [...def.asVariant.variants].sort((a, b) => a.index.toNumber() - b.index.toNumber());
    return first !== undefined && all(first.fields.map((field) => field.type));
  }
  if (def.isComposite) return all(def.asComposite.fields.map((field) => field.type));
  if (def.isTuple) return all([...def.asTuple]);
  return def.isArray ? hasValues(lookup, def.asArray.type) : true;
}

/** Every event, made of default values, and decoded again from its bytes. */
function decodeEvents(api) {
  const { lookup } = api.registry;
  const events = {};
  for (const pallet of api.runtimeMetadata.asLatest.pallets) {
    if (pallet.events.isNone) continue;
    for (const variant of lookup.getSiType(pallet.events.unwrap().type).def.asVariant.variants) {
      const name = `${pallet.name}.${variant.name}`;
      if (!variant.fields.every((field) => hasValues(lookup, field.type))) {
        events[name] = { impossible: true };
        continue;
      }
      const fields = variant.fields.map((field) =>
        api.registry.createType(api.registry.createLookupType(field.type)).toU8a());
      const data = u8aConcat([pallet.index.toNumber(), variant.index.toNumber()], ...fields);
      const again = api.registry.createType("Event", data);
      events[name] = {
        encoded: again.toHex(), name: `${again.section}.${again.method}`,
      };
    }
  }
  return events;
}

async function main(url) {
  await cryptoWaitReady();
  const provider = new WsProvider(url, 0);
  const warnings = [];
  for (const level of ["warn", "error"]) console[level] = (...parts) => warnings.push(parts.join(" "));
  await within(provider.connect(), "a connection");
  const api = await within(ApiPromise.create({ provider, noInitWarn: false }), "the metadata");
  const keyring = new Keyring({ type: "sr25519" });
  const [alice, bob] = ["//Alice", "//Bob"].map((uri) => keyring.addFromUri(uri));

  const heads = heard(
    (tell) => api.rpc.chain.subscribeNewHeads(tell), (head) => head.number.toNumber() > 1, "a head");
  const final = heard(
    (tell) => api.rpc.chain.subscribeFinalizedHeads(tell), (head) => head.number.toNumber() > 1, "a final head");
  const before = (await api.query.system.account(bob.address)).data.free.toBigInt();
  const balance = heard(
    (tell) => api.query.system.account(bob.address, tell),
    (account) => account.data.free.toBigInt() > before, "a change of storage");
  const events = heard(
    (tell) => api.query.system.events(tell),
    (records) => records.some(({ event }) => api.events.balances.Transfer.is(event)), "an event");

  const transfer = api.tx.balances.transferKeepAlive(bob.address, UNIT);
  const quoted = (await transfer.paymentInfo(alice)).partialFee.toString();
  const sent = await send(api, transfer, alice);
  const batch = await send(api, api.tx.utility.batchAll([transfer, transfer]), alice);
  const failed = await send(api, api.tx.balances.transferKeepAlive(bob.address, 10n ** 30n), alice);
  const refused = await send(api, transfer, keyring.addFromUri("//Nobody")).then(
    () => null, (error) => error.message);

  const hash = await api.rpc.chain.getFinalizedHead();
  const at = await api.at(hash);
  const blocks = {};
  const last = (await api.rpc.chain.getHeader(hash)).number.toNumber();
  for (let number = 1; number <= last; number++) {
    const block = await api.rpc.chain.getBlock(await api.rpc.chain.getBlockHash(number));
    const records = await (await api.at(block.block.header.hash)).query.system.events();
    blocks[number] = {
      hash: block.block.header.hash.toHex(),
      extrinsics: block.block.extrinsics.map(({ method }) => `${method.section}.${method.method}`),
      events: records.map(({ event, phase }) => ({
        pallet: event.section, name: event.method,
        extrinsic: phase.isApplyExtrinsic ? phase.asApplyExtrinsic.toNumber() : null,
        data: event.toHex(),
      })),
    };
  }
  const result = {
    version: api.runtimeVersion.toHuman(),
    chain: (await api.rpc.system.chain()).toString(),
    properties: api.registry.getChainProperties().toHuman(),
    genesis: api.genesisHash.toHex(),
    methods: (await api.rpc.rpc.methods()).methods.map((method) => method.toString()).sort(),
    head: { number: last, hash: hash.toHex() },
    pallets: describe(api),
    calls: roundTrip(api),
    events: decodeEvents(api),
    blocks,
    storage: await readStorage(api, at),
    keys: (await api.rpc.state.getKeysPaged(api.query.system.account.keyPrefix(), 1000, null, hash)).length,
    proof: (await api.rpc.state.getReadProof([api.query.system.number.key()], hash)).proof.length,
    nonce: (await api.rpc.system.accountNextIndex(alice.address)).toNumber(),
    quoted,
    sent: { transfer: sent, batch, failed, refused },
    heard: {
      head: (await heads.done).hash.toHex(),
      final: (await final.done).number.toNumber(),
      balance: ((await balance.done).data.free.toBigInt() - before).toString(),
      events: (await events.done).map(({ event }) => `${event.section}.${event.method}`),
    },
    warnings,
  };
  await api.disconnect();
  process.stdout.write(`${JSON.stringify(result)}\n`);
}

main(process.argv[2]).then(
  () => process.exit(0),
  (error) => {
    process.stderr.write(`${error.stack}\n`);
    process.exit(1);
  },
);
