;; Component filters around bodies under test: one lists the names, one applies a filter. Each leaves an i32: the address of a
;; list<string>, or of a result<string, string>.
(component
  (core module $main
    (memory $memory (export "memory") 2)
    (global $next (mut i32) (i32.const 65536))
    (func (export "realloc") (param i32 i32) (param $align i32) (param $size i32) (result i32)
      (local $ptr i32)
      (local.set $ptr (i32.and
        (i32.add (global.get $next) (i32.sub (local.get $align) (i32.const 1)))
        (i32.sub (i32.const 0) (local.get $align))))
      (global.set $next (i32.add (local.get $ptr) (local.get $size)))
      (local.get $ptr))
    (;ITEMS;)
    (func (export "filters") (result i32)
      (;LIST;))
    (func (export "apply") (param i32 i32 i32 i32) (result i32)
      (;APPLY;)))
  (core instance $main (instantiate $main))
  (alias core export $main "memory" (core memory $memory))
  (alias core export $main "realloc" (core func $realloc))
  (func $filters (result (list string)) (canon lift (core func $main "filters") (memory $memory) (realloc $realloc)))
  (func $apply (param "name" string) (param "args" string) (result (result string (error string)))
    (canon lift (core func $main "apply") (memory $memory) (realloc $realloc)))
  (instance $filtering (export "filters" (func $filters)) (export "apply" (func $apply)))
  (export "verwalter:plugin/filtering@1.0.0" (instance $filtering)))
