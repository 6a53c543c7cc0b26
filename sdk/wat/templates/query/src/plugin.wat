;; sample-query: `roles/ROLE` tells on which nodes a role runs, and how many instances of it.
;;
;; It imports nothing: a query plugin reads its document and that is all.
;;
;; The globals in capitals are addresses of constants, which ascend: a new one goes behind the last.

(func (export "vw_describe") (param i32 i32) (result i64)
  (call $constant (global.get $DESCRIPTION)))

;; Alone at the end: its length changes with the name.
(global $DESCRIPTION i32 (i32.const 3072))
(data (i32.const 3072)
  "{\"name\":\"sample-query\",\"version\":\"0.1.0\",\"kind\":\"query\"}\00")

;; Any configuration will do: there is none.
(func (export "vw_check_config") (param i32 i32) (result i64)
  (call $done (call $begin (i32.const 0))))

;; The choice of roles is left to the schedule.
(func (export "vw_render_roles") (param i32 i32) (result i64)
  (call $constant (global.get $NULL)))

(global $NULL i32 (i32.const 320)) (data (i32.const 320) "null\00")

(func (export "vw_query") (param $at i32) (param $len i32) (result i64)
  (local $input i64) (local $path i64) (local $role i64) (local $schedule i64)
  (local.set $input (call $document (local.get $at)))
  (local.set $path (call $text (call $get (local.get $input) (call $z (global.get $PATH)))))
  (local.set $role (call $role_of (local.get $path)))
  (if (i64.eqz (local.get $role))
    (then (return (call $refuse (global.get $NO_PATH) (local.get $path) (global.get $ASK)))))
  (local.set $schedule (call $get (local.get $input) (call $z (global.get $SCHEDULE))))
  (if (i32.eqz (call $is_mapping (local.get $schedule)))
    (then (return (call $refuse (global.get $NO_SCHEDULE) (i64.const 0) (global.get $NOTHING)))))
  (call $answer (local.get $schedule) (local.get $role)))

(global $PATH i32 (i32.const 328))        (data (i32.const 328) "path\00")
(global $SCHEDULE i32 (i32.const 336))    (data (i32.const 336) "schedule\00")
(global $NO_PATH i32 (i32.const 352))     (data (i32.const 352) "no such path: \00")
(global $ASK i32 (i32.const 368))         (data (i32.const 368) "; ask roles/ROLE\00")
(global $NO_SCHEDULE i32 (i32.const 392)) (data (i32.const 392) "no schedule is in force\00")
(global $NOTHING i32 (i32.const 416))     (data (i32.const 416) "\00")
(global $NO_ROLE i32 (i32.const 424))     (data (i32.const 424) "no role \00")
(global $IN_SCHEDULE i32 (i32.const 440)) (data (i32.const 440) " in the schedule\00")

;; The error of a constant, a text and a constant.
(func $refuse (param $before i32) (param $text i64) (param $after i32) (result i64)
  (local $error i32)
  (local.set $error (call $begin (i32.const 1)))
  (call $say (local.get $before))
  (call $put (local.get $text))
  (call $say (local.get $after))
  (call $done (local.get $error)))

;; The role of the path `roles/ROLE`; 0 where it is another path, or ROLE is empty or has a `/`.
(func $role_of (param $path i64) (result i64)
  (local $i i32)
  (if (i32.le_u (call $len (local.get $path)) (i32.const 6)) (then (return (i64.const 0))))
  (if (i32.eqz (call $equal (call $slice (call $at (local.get $path)) (i32.const 6)) (call $z (global.get $PREFIX))))
    (then (return (i64.const 0))))
  (local.set $i (i32.const 6))
  (loop $more
    (if (i32.eq (i32.load8_u (i32.add (call $at (local.get $path)) (local.get $i))) (i32.const 0x2f (;/;)))
      (then (return (i64.const 0))))
    (local.set $i (i32.add (local.get $i) (i32.const 1)))
    (br_if $more (i32.ne (local.get $i) (call $len (local.get $path)))))
  (call $slice
    (i32.add (call $at (local.get $path)) (i32.const 6))
    (i32.sub (call $len (local.get $path)) (i32.const 6))))

(global $PREFIX i32 (i32.const 464)) (data (i32.const 464) "roles/\00")

;; Finds the role's placements first, as pairs of a hostname and a number as the document has them, and then writes the answer.
(func $answer (param $schedule i64) (param $role i64) (result i64)
  (local $nodes i64) (local $walk i32) (local $pairs i32) (local $end i32) (local $host i64) (local $node i64) (local $start i32)
  (local.set $nodes (call $get (local.get $schedule) (call $z (global.get $NODES))))
  (local.set $pairs (call $take (i32.shl (call $count (local.get $nodes)) (i32.const 4))))
  (local.set $end (local.get $pairs))
  (local.set $walk (call $open (local.get $nodes)))
  (block $found
    (loop $more
      (br_if $found (i32.eqz (local.get $walk)))
      (call $member (local.get $walk))
      (local.set $walk) (local.set $node) (local.set $host)
      (local.set $node (call $get (call $get (local.get $node) (call $z (global.get $ROLES))) (local.get $role)))
      (local.set $node (call $get (local.get $node) (call $z (global.get $INSTANCES))))
      (if (i64.ne (local.get $node) (i64.const 0))
        (then
          (i64.store (local.get $end) (local.get $host))
          (i64.store offset=8 (local.get $end) (local.get $node))
          (local.set $end (i32.add (local.get $end) (i32.const 16)))))
      (br $more)))
  (if (i32.and
        (i32.eq (local.get $pairs) (local.get $end))
        (i64.eqz (call $get (call $get (local.get $schedule) (call $z (global.get $ROLES))) (local.get $role))))
    (then (return (call $refuse (global.get $NO_ROLE) (local.get $role) (global.get $IN_SCHEDULE)))))
  (local.set $start (call $begin (i32.const 0)))
  (call $say (global.get $ROLE_KEY))
  (call $quote (local.get $role))
  (call $say (global.get $NODES_KEY))
  (block $written
    (loop $more
      (br_if $written (i32.eq (local.get $pairs) (local.get $end)))
      (call $comma)
      (call $put (i64.load (local.get $pairs)))
      (call $byte (i32.const 0x3a (;:;)))
      (call $put (i64.load offset=8 (local.get $pairs)))
      (local.set $pairs (i32.add (local.get $pairs) (i32.const 16)))
      (br $more)))
  (call $say (global.get $CLOSE))
  (call $done (local.get $start)))

(global $NODES i32 (i32.const 472))     (data (i32.const 472) "nodes\00")
(global $ROLES i32 (i32.const 480))     (data (i32.const 480) "roles\00")
(global $INSTANCES i32 (i32.const 488)) (data (i32.const 488) "instances\00")
(global $ROLE_KEY i32 (i32.const 504))  (data (i32.const 504) "{\"role\":\00")
(global $NODES_KEY i32 (i32.const 520)) (data (i32.const 520) ",\"nodes\":{\00")
(global $CLOSE i32 (i32.const 536))     (data (i32.const 536) "}}\00")
