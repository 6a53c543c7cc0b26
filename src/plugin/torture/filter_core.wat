;; Core filters around bodies under test: one lists the names, one applies a filter. Each leaves an i64: the answer's length in the
;; high half, its pointer in the low.
(module
  (memory $memory (export "memory") 2)
  (func (export "vw_abi_1"))
  (func (export "vw_alloc") (param $size i32) (result i32) (i32.const 98304))
  (func (export "vw_free") (param i32 i32))
  (;ITEMS;)
  (func (export "vw_filters") (param $ptr i32) (param $len i32) (result i64)
    (;LIST;))
  (func (export "vw_apply") (param $ptr i32) (param $len i32) (result i64)
    (;APPLY;)))
