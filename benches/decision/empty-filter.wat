;; A filter that answers at once, to measure what a call costs by itself.
(component
  (core module $m
    (memory (export "memory") 1)
    (data (i32.const 16) "null")
    (data (i32.const 0) "\00\00\00\00\10\00\00\00\04\00\00\00")
    (data (i32.const 32) "empty")
    ;; list<string> of one: pointer, length
    (data (i32.const 48) "\20\00\00\00\05\00\00\00")
    (data (i32.const 64) "\30\00\00\00\01\00\00\00")
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) i32.const 1024)
    (func (export "filters") (result i32) i32.const 64)
    (func (export "apply") (param i32 i32 i32 i32) (result i32) i32.const 0))
  (core instance $i (instantiate $m))
  (func $filters (result (list string)) (canon lift (core func $i "filters") (memory (core memory $i "memory"))))
  (func $apply (param "name" string) (param "args" string) (result (result string (error string)))
    (canon lift (core func $i "apply") (memory (core memory $i "memory")) (realloc (core func $i "realloc"))))
  (instance $filtering (export "filters" (func $filters)) (export "apply" (func $apply)))
  (export "verwalter:plugin/filtering@1.0.0" (instance $filtering)))
