;; What the plugin asks of the host. Imports stand before everything else in a module.

(import "verwalter" "log" (func $host_log (param i32 i32 i32)))
