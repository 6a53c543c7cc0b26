;; Two components in one: `$caller` hands a text of 15 MiB to `$callee` again and again. What copies it is the engine, between two
;; memories, and no instruction of the guest.
(component
  (component $callee
    (core module $m
      (memory (export "memory") 256)
      (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 65536))
      (func (export "take") (param i32 i32)))
    (core instance $i (instantiate $m))
    (alias core export $i "memory" (core memory $memory))
    (alias core export $i "realloc" (core func $realloc))
    (func (export "take") (param "text" string) (canon lift (core func $i "take") (memory $memory) (realloc $realloc))))
  (component $caller
    (import "take" (func $take (param "text" string)))
    (core module $libc
      (memory (export "memory") 256)
      (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024)))
    (core instance $libc (instantiate $libc))
    (alias core export $libc "memory" (core memory $memory))
    (alias core export $libc "realloc" (core func $realloc))
    (core func $lowered (canon lower (func $take) (memory $memory)))
    (core module $m
      (import "" "take" (func $take (param i32 i32)))
      (func (export "schedule") (param i32 i32) (result i32)
        (loop (call $take (i32.const 65536) (i32.const 15728640)) (br 0))
        unreachable))
    (core instance $i (instantiate $m (with "" (instance (export "take" (func $lowered))))))
    (func (export "schedule") (param "input" string) (result (result string (error string)))
      (canon lift (core func $i "schedule") (memory $memory) (realloc $realloc))))
  (instance $callee (instantiate $callee))
  (instance $caller (instantiate $caller (with "take" (func $callee "take"))))
  (instance $scheduling (export "schedule" (func $caller "schedule")))
  (export "verwalter:plugin/scheduling@1.0.0" (instance $scheduling)))
