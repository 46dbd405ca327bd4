//! What users and operators rely on: the table of states, the money of every exit, and that no exit
//! fails. After each test every pallet is held to its invariants.

#![allow(clippy::arithmetic_side_effects)] // a test may panic

mod entry;
mod exits;
mod money;
mod table;
mod vectors;
