"""The runtime's heap: a freeing bump allocator, as small WebAssembly beside the runtime.

A runtime does not bring an allocator; it asks its host for memory. Every allocation would cost a call
into Python, so the allocator is itself WebAssembly, linked to the runtime's two imports and sharing its
memory. It is the node's scheme: sizes are rounded up to a power of two from 8 bytes to 32 MiB, each
size ("order") has a list of free blocks, and a block that no list offers is cut from the end.

Eight bytes precede every block. The first four hold its order while it is in use and the next free
block while it is not. The last two belong to the runtime: ``sp-io`` writes the alignment's offset there,
and reads it when it frees a block, also one that the host allocated: so they start as zero.

Values that the host hands to the runtime are usually small. They are cut from chunks by the host itself,
with the order ``HOST``: freeing such a piece does nothing, and a whole call's pieces go at its end, when
the host resets the heap.

Source: ``sc-allocator``, ``freeing_bump.rs`` (the scheme; nothing of its code).
"""

__all__ = ["HEADER", "HOST", "MAX_ALLOCATION", "WAT"]

HEADER = 8
"""Bytes before each block."""
HOST = 0xFFFF
"""The order of a piece that the host cut from a chunk."""
ORDERS = 23
MAX_ALLOCATION = 8 << (ORDERS - 1)
"""Bytes of the largest block, 32 MiB."""

WAT = f"""(module
  (import "env" "memory" (memory 1))
  ;; heads of the free lists are kept in a table of this module's own: 23 globals would need 23 branches
  (memory $lists 1)
  (global $end (mut i32) (i32.const 0))

  ;; forget every block: the heap is empty and starts at $base, a multiple of 8
  (func (export "reset") (param $base i32)
    (global.set $end (local.get $base))
    (memory.fill $lists (i32.const 0) (i32.const 0) (i32.const {4 * ORDERS})))

  (func (export "malloc") (param $size i32) (result i32)
    (local $order i32) (local $head i32) (local $block i32) (local $end i32)
    (if (i32.gt_u (local.get $size) (i32.const {MAX_ALLOCATION})) (then (unreachable)))
    (if (i32.gt_u (local.get $size) (i32.const 8))
      (then (local.set $order
        (i32.sub (i32.const 29) (i32.clz (i32.sub (local.get $size) (i32.const 1)))))))
    (local.set $head (i32.shl (local.get $order) (i32.const 2)))
    (local.set $block (i32.load $lists (local.get $head)))
    (if (local.get $block)
      (then  ;; reuse: the block's header names the next free one
        (i32.store $lists (local.get $head) (i32.load 0 (local.get $block))))
      (else  ;; cut from the end, growing memory by at least 16 pages when it is short
        (local.set $block (global.get $end))
        (local.set $end (i32.add (i32.add (local.get $block) (i32.const {HEADER}))
                                 (i32.shl (i32.const 8) (local.get $order))))
        (if (i32.lt_u (local.get $end) (local.get $block)) (then (unreachable)))
        (if (i64.gt_u (i64.extend_i32_u (local.get $end))
                      (i64.shl (i64.extend_i32_u (memory.size 0)) (i64.const 16)))
          (then
            (if (i32.eq (i32.const -1) (memory.grow 0 (i32.add (i32.const 16) (i32.shr_u
                  (i32.sub (local.get $end) (i32.shl (memory.size 0) (i32.const 16))) (i32.const 16)))))
              (then (unreachable)))))
        (global.set $end (local.get $end))))
    (i64.store 0 (local.get $block) (i64.extend_i32_u (local.get $order)))  ;; all eight bytes
    (i32.add (local.get $block) (i32.const {HEADER})))

  (func (export "free") (param $pointer i32)
    (local $block i32) (local $order i32) (local $head i32)
    (local.set $block (i32.sub (local.get $pointer) (i32.const {HEADER})))
    (local.set $order (i32.load 0 (local.get $block)))
    (if (i32.eq (local.get $order) (i32.const {HOST})) (then (return)))
    (if (i32.ge_u (local.get $order) (i32.const {ORDERS})) (then (unreachable)))
    (local.set $head (i32.shl (local.get $order) (i32.const 2)))
    (i32.store 0 (local.get $block) (i32.load $lists (local.get $head)))
    (i32.store $lists (local.get $head) (local.get $block))))
"""
