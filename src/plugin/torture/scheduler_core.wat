;; A core scheduler around a body under test. The body leaves an i64: the answer's length in the high half, its pointer in the low.
(module
  (;IMPORTS;)
  (memory $memory (export "memory") 1)
  (func (export "vw_abi_1"))
  (func (export "vw_alloc") (param $size i32) (result i32) (;ALLOC;))
  (func (export "vw_free") (param i32 i32))
  (;ITEMS;)
  (func $schedule (export "vw_schedule") (param $ptr i32) (param $len i32) (result i64)
    (;BODY;)))
