;; What the plugin asks of the host. Imports stand before everything else in a module.

(import "verwalter" "column" (func $host_column (param i32 i32 i32 i32) (result i32)))
(import "verwalter" "attribute" (func $host_attribute (param i32 i32 i32 i32) (result i32)))
(import "verwalter" "log" (func $host_log (param i32 i32 i32)))
