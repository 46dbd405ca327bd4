//! Calls one after the other, with what each gave and what there was after it.

use super::{json, *};
use ainur_primitives::UNIT;
use frame_support::storage::with_storage_layer;
use sp_runtime::{DispatchError, DispatchResult};

/// A sequence while it is being recorded.
struct Tape {
	block: BlockNumber,
	steps: Vec<Value>,
}

fn error_name(error: DispatchError) -> Value {
	match error {
		DispatchError::Module(module) => json!(module.message.expect("a named error")),
		DispatchError::Token(token) => json!(format!("Token.{token:?}")),
		other => json!(format!("{other:?}")),
	}
}

fn origin(who: &Option<AccountId>) -> RuntimeOrigin {
	who.clone()
		.map_or_else(RuntimeOrigin::root, RuntimeOrigin::signed)
}

impl Tape {
	fn at(&mut self, block: BlockNumber) -> &mut Self {
		assert!(block >= self.block, "blocks do not go back");
		self.block = block;
		System::set_block_number(block.into());
		self
	}

	fn note(&mut self, origin: Value, call: &str, args: Value, result: Value) {
		Reputation::do_try_state().unwrap();
		self.steps.push(json!({
			"block": self.block,
			"origin": origin,
			"call": call,
			"args": args,
			"result": result,
			"state": json::state(),
		}));
	}

	fn call(
		&mut self,
		by: Option<AccountId>,
		name: &str,
		args: Value,
		call: impl FnOnce(RuntimeOrigin) -> DispatchResult,
	) {
		let result = match with_storage_layer(|| call(origin(&by))) {
			Ok(()) => json!("ok"),
			Err(error) => error_name(error),
		};
		self.note(
			json!(by.as_ref().map_or("root".into(), json::name)),
			name,
			args,
			result,
		);
	}

	fn bond(&mut self, who: AccountId, amount: Balance) {
		let args = json!({"amount": json::amount(amount)});
		self.call(Some(who), "bond", args, |o| Reputation::bond(o, amount));
	}

	fn bond_extra(&mut self, who: AccountId, amount: Balance) {
		let args = json!({"amount": json::amount(amount)});
		self.call(Some(who), "bond_extra", args, |o| {
			Reputation::bond_extra(o, amount)
		});
	}

	fn unbond(&mut self, who: AccountId, amount: Balance) {
		let args = json!({"amount": json::amount(amount)});
		self.call(Some(who), "unbond", args, |o| Reputation::unbond(o, amount));
	}

	fn withdraw(&mut self, who: AccountId) {
		self.call(
			Some(who),
			"withdraw_unbonded",
			json!({}),
			Reputation::withdraw_unbonded,
		);
	}

	fn poke(&mut self, agent: AccountId) {
		let args = json!({"agent": json::name(&agent)});
		self.call(Some(eve()), "poke", args, |o| Reputation::poke(o, agent));
	}

	fn report(&mut self, offence: Offence, agent: AccountId, escrow: Option<EscrowId>) {
		let evidence = H256::repeat_byte(0xee);
		let args = json!({
			"offence": format!("{offence:?}"),
			"agent": json::name(&agent),
			"escrow": escrow,
			"evidence": json::hex(evidence),
		});
		self.call(None, "report_offence", args, |o| {
			Reputation::report_offence(o, offence, agent, escrow, evidence)
		});
	}

	fn double(&mut self, a: Offer, b: Offer) {
		let (sig_a, sig_b) = (sign("Alice", &a), sign("Alice", &b));
		self.double_signed(a, sig_a, b, sig_b);
	}

	fn double_signed(&mut self, a: Offer, sig_a: Signature, b: Offer, sig_b: Signature) {
		let args = json!({
			"agent": "alice",
			"offer_a": json::hex(a.encode()),
			"sig_a": json::hex(sig_a.encode()),
			"offer_b": json::hex(b.encode()),
			"sig_b": json::hex(sig_b.encode()),
		});
		self.call(Some(eve()), "report_double_acceptance", args, |o| {
			let (a, b) = (Box::new(a), Box::new(b));
			Reputation::report_double_acceptance(o, alice(), a, sig_a, b, sig_b)
		});
	}

	fn cancel(&mut self, report: ReportId) {
		let args = json!({"report": report});
		self.call(None, "cancel_slash", args, |o| {
			Reputation::cancel_slash(o, report)
		});
	}

	fn apply(&mut self, report: ReportId) {
		let args = json!({"report": report});
		self.call(Some(bob()), "apply_slash", args, |o| {
			Reputation::apply_slash(o, report)
		});
	}

	fn reinstate(&mut self, agent: AccountId) {
		let args = json!({"agent": json::name(&agent)});
		self.call(None, "reinstate", args, |o| Reputation::reinstate(o, agent));
	}

	fn take_on(&mut self, amount: Balance) {
		let args = json!({"provider": "alice", "amount": json::amount(amount)});
		let result = match with_storage_layer(|| Reputation::take_on(&alice(), amount)) {
			Ok(base) => json!({"slash_base": json::amount(base)}),
			Err(error) => error_name(error),
		};
		self.note(json!("escrow"), "take_on", args, result);
	}

	fn reduce_exposure(&mut self, amount: Balance) {
		Reputation::reduce_exposure(&alice(), amount);
		let args = json!({"provider": "alice", "amount": json::amount(amount)});
		self.note(json!("escrow"), "reduce_exposure", args, json!("ok"));
	}

	fn draw(&mut self, amount: Balance, draw: Draw) {
		let to = match &draw {
			Draw::To(to) => json!(json::name(to)),
			Draw::Burn => Value::Null,
		};
		let taken = Reputation::draw(&alice(), amount, draw);
		let args = json!({"provider": "alice", "amount": json::amount(amount), "to": to});
		self.note(
			json!("escrow"),
			"draw",
			args,
			json!({"taken": json::amount(taken)}),
		);
	}

	fn end(&mut self, amount: Balance, slash_base: Balance, outcome: Outcome) {
		let failed = matches!(outcome, Outcome::Failure { .. });
		let terminal = Terminal {
			escrow: 1,
			requester: bob(),
			provider: alice(),
			paid: if failed { 0 } else { amount },
			unpaid: if failed { amount } else { 0 },
			exposure: amount,
			slash_base,
			outcome,
		};
		let args = json::terminal(&terminal);
		Reputation::on_terminal(terminal);
		self.note(json!("escrow"), "on_terminal", args, json!("ok"));
	}

	fn prune(&mut self) {
		Reputation::on_pruned(&alice(), &bob());
		let args = json!({"provider": "alice", "requester": "bob"});
		self.note(json!("escrow"), "on_pruned", args, json!("ok"));
	}

	fn lose_dispute(&mut self, who: AccountId) {
		Reputation::on_dispute_lost(&who);
		let args = json!({"requester": json::name(&who)});
		self.note(json!("escrow"), "on_dispute_lost", args, json!("ok"));
	}

	fn env(&mut self, args: Value) {
		self.note(json!("env"), "env", args, json!("ok"));
	}

	fn ended(&mut self, id: EscrowId, provider: AccountId, at: BlockNumber) {
		let args = json!({"ended": {"id": id, "provider": json::name(&provider), "at": at}});
		ended_escrow(id, provider, at);
		self.env(args);
	}

	fn compromised(&mut self, flag: bool) {
		CompromisedAgents::set(if flag { vec![alice()] } else { vec![] });
		self.env(json!({"compromised": {"agent": "alice", "flag": flag}}));
	}

	fn offer_epoch(&mut self, epoch: u32) {
		OfferEpoch::set(epoch);
		self.env(json!({"offer_epoch": {"provider": "alice", "epoch": epoch}}));
	}

	fn operator(&mut self) {
		Operators::mutate(|all| all.insert(alice(), account("Node")));
		self.env(json!({"operator": {"agent": "alice", "key": "node"}}));
	}
}

fn record_sequence(name: &str, play: impl FnOnce(&mut Tape)) -> Value {
	ExtBuilder::default().build().execute_with(|| {
		let start = json::state();
		let mut tape = Tape {
			block: 1,
			steps: vec![],
		};
		play(&mut tape);
		json!({"name": name, "params": "ci", "start": start, "steps": tape.steps})
	})
}

fn bonds(t: &mut Tape) {
	t.bond_extra(alice(), UNIT);
	t.unbond(alice(), UNIT);
	t.withdraw(alice());
	t.bond(alice(), 100 * UNIT - 1);
	t.bond(alice(), 996 * UNIT);
	t.bond(alice(), 100 * UNIT);
	t.bond(alice(), 100 * UNIT);
	t.bond_extra(alice(), 0);
	t.bond_extra(alice(), 5_000 * UNIT);
	t.at(2).bond_extra(alice(), 100 * UNIT);
	t.unbond(alice(), 0);
	t.unbond(alice(), 201 * UNIT);
	t.at(3).unbond(alice(), 50 * UNIT);
	t.unbond(alice(), 25 * UNIT);
	t.at(4).unbond(alice(), 25 * UNIT + 1);
	t.at(5).bond_extra(alice(), 1);
	t.at(22).withdraw(alice());
	t.at(23).withdraw(alice());
	t.at(24).unbond(alice(), 100 * UNIT);
	t.compromised(true);
	t.withdraw(alice());
	t.unbond(alice(), 1);
	t.compromised(false);
	t.withdraw(alice());
	t.bond(alice(), 100 * UNIT);
	t.at(44).withdraw(alice());
}

fn chunks(t: &mut Tape) {
	t.bond(alice(), 200 * UNIT);
	for block in 1..=16 {
		t.at(block).unbond(alice(), UNIT + Balance::from(block));
	}
	t.at(17).unbond(alice(), UNIT);
	t.at(21).withdraw(alice());
	t.unbond(alice(), UNIT);
	t.draw(190 * UNIT, Draw::To(bob()));
	t.draw(5 * UNIT, Draw::Burn);
	t.draw(50 * UNIT, Draw::Burn);
	t.draw(UNIT, Draw::Burn);
}

fn exposure(t: &mut Tape) {
	t.take_on(UNIT);
	t.bond(alice(), 200 * UNIT);
	t.take_on(300 * UNIT + 1);
	t.take_on(150 * UNIT);
	t.unbond(alice(), 100 * UNIT + 1);
	t.unbond(alice(), 100 * UNIT);
	t.unbond(alice(), 1);
	t.take_on(1);
	t.reduce_exposure(100 * UNIT);
	t.unbond(alice(), 60 * UNIT);
	t.take_on(1);
	t.unbond(alice(), 40 * UNIT);
	t.end(50 * UNIT, 200 * UNIT, Outcome::Neutral);
	t.unbond(alice(), 40 * UNIT);
	t.take_on(0);
}

fn scores(t: &mut Tape) {
	t.bond(alice(), 200 * UNIT);
	t.bond(bob(), 100 * UNIT);
	for block in [2, 3, 4, 21, 22, 40, 41] {
		t.at(block).take_on(UNIT);
		t.end(UNIT, 200 * UNIT, Outcome::Success);
	}
	t.at(59).prune();
	t.at(60).prune();
	t.lose_dispute(bob());
	t.take_on(10 * UNIT);
	t.end(10 * UNIT, 200 * UNIT, HALF);
	t.take_on(10 * UNIT);
	t.end(10 * UNIT, 200 * UNIT, NAMED);
	t.take_on(10 * UNIT);
	t.end(10 * UNIT, 200 * UNIT, FAILURE);
}

fn filed(t: &mut Tape) {
	let (fraud, violation) = (Offence::FraudulentResult, Offence::ProtocolViolation);
	t.report(violation, alice(), None);
	t.bond(alice(), 200 * UNIT + 3);
	t.unbond(alice(), 50 * UNIT);
	t.report(Offence::RepeatedFailures, alice(), None);
	t.report(Offence::DoubleTaskAcceptance, alice(), None);
	t.report(fraud, alice(), None);
	t.report(fraud, alice(), Some(3));
	t.ended(3, bob(), 1);
	t.report(fraud, alice(), Some(3));
	t.ended(3, alice(), 1);
	t.ended(4, alice(), 0);
	t.at(6).report(fraud, alice(), Some(4));
	t.report(fraud, alice(), Some(3));
	t.report(fraud, alice(), Some(3));
	t.report(violation, alice(), Some(3));
	t.report(violation, alice(), None);
	t.unbond(alice(), 60 * UNIT);
	t.cancel(1);
	t.cancel(1);
	t.at(11).apply(0);
	t.at(12).apply(0);
	t.apply(0);
	t.take_on(1);
	t.cancel(2);
	t.report(violation, alice(), None);
	t.at(18).apply(3);
	t.reinstate(bob());
	t.at(37).reinstate(alice());
	t.at(38).reinstate(alice());
	t.take_on(1);
}

fn doubles(t: &mut Tape) {
	let a = || offer(&alice(), 1);
	let b = || offer(&alice(), 2);
	t.double(a(), b());
	t.bond(alice(), 100 * UNIT);
	t.double(a(), offer(&bob(), 2));
	t.double(
		a(),
		Offer {
			genesis: H256::zero(),
			..b()
		},
	);
	t.double(
		Offer {
			offer_epoch: 1,
			..a()
		},
		Offer {
			offer_epoch: 1,
			..b()
		},
	);
	t.offer_epoch(1);
	t.double(
		a(),
		Offer {
			offer_epoch: 1,
			..b()
		},
	);
	t.double(
		Offer {
			slot: H256::zero(),
			..a()
		},
		Offer {
			slot: H256::zero(),
			..b()
		},
	);
	t.double(
		a(),
		Offer {
			slot: H256::repeat_byte(5),
			..b()
		},
	);
	t.double(a(), Offer { attempt: 1, ..a() });
	let until = |valid_until, offer| Offer {
		valid_until,
		..offer
	};
	t.at(15).double(until(9, a()), until(3, b()));
	t.double_signed(a(), sign("Eve", &a()), b(), sign("Alice", &b()));
	t.double(until(3, a()), b());
	t.double(a(), b());
	t.cancel(0);
	t.double(b(), a());
	t.at(21).apply(1);
	t.double(until(16, a()), until(3, offer(&alice(), 3)));
	t.operator();
	let other = |offer| {
		until(
			16,
			Offer {
				slot: H256::repeat_byte(5),
				..offer
			},
		)
	};
	t.double(other(a()), other(b()));
	let by_node = |offer: Offer| (offer.clone(), sign("Node", &offer));
	let ((a, sig_a), (b, sig_b)) = (by_node(other(a())), by_node(other(b())));
	t.double_signed(a, sig_a, b, sig_b);
}

fn failures(t: &mut Tape) {
	t.bond(alice(), 400 * UNIT);
	t.poke(bob());
	t.poke(alice());
	for _ in 0..5 {
		t.take_on(UNIT);
		t.end(UNIT, 400 * UNIT, FAILURE);
	}
	t.poke(alice());
	t.at(20).poke(alice());
	t.poke(alice());
	t.cancel(0);
	t.poke(alice());
	t.at(40).poke(alice());
	for _ in 0..5 {
		t.take_on(1);
		t.end(1, 400 * UNIT, FAILURE);
	}
	for _ in 0..6 {
		t.take_on(1);
		t.end(1, 400 * UNIT, Outcome::Neutral);
	}
	t.at(60).poke(alice());
	for _ in 0..5 {
		t.take_on(1);
		t.end(1, 400 * UNIT, HALF);
	}
	t.at(99).poke(alice());
	t.draw(350 * UNIT, Draw::To(bob()));
	t.at(105).apply(1);
	t.take_on(1);
}

pub fn build() -> Value {
	json!([
		record_sequence("a bond comes and goes", bonds),
		record_sequence("sixteen chunks, and draws through them", chunks),
		record_sequence("open work stands on the bond", exposure),
		record_sequence("scores of a pair", scores),
		record_sequence("offences that the slashing origin files", filed),
		record_sequence("one slot offered for two tasks", doubles),
		record_sequence("repeated failures", failures),
	])
}
