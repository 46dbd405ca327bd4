//! What users and operators rely on: the table of states, the money of every exit, and that no exit
//! fails. After each test every pallet is held to its invariants.

mod entry;
mod exits;
mod money;
mod table;
mod vectors;
