;; Lines for people. Write the line at $next, then log it: it is taken back from there.
;;
;;     (local.set $start (global.get $next))
;;     (call $say …)
;;     (call $log (i32.const 2) (local.get $start))

;; Levels: 0 trace, 1 debug, 2 info, 3 warn, 4 error.
(func $log (param $level i32) (param $start i32)
  (call $host_log (local.get $level) (local.get $start) (i32.sub (global.get $next) (local.get $start)))
  (global.set $next (local.get $start)))
