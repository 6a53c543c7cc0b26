;; The answer, written once everything is decided: nothing takes memory between its beginning and its end.

(global $hostnames (mut i32) (i32.const 0)) ;; a slice each

(func $answer (result i64)
  (local $start i32) (local $role i32)
  (call $attribute (call $z (global.get $HOSTNAME)))
  (drop) (global.set $hostnames)
  (local.set $start (call $begin (i32.const 0)))
  (call $say (global.get $ROLES))
  (block $end
    (loop $more
      (br_if $end (i32.eq (local.get $role) (global.get $roles)))
      (call $put_role (local.get $role))
      (local.set $role (i32.add (local.get $role) (i32.const 1)))
      (br $more)))
  (call $say (global.get $CLOSE_TWO))
  (call $put_reasons)
  (call $byte (i32.const 0x7d (;};)))
  (call $done (local.get $start)))

(global $HOSTNAME i32 (i32.const 888)) (data (i32.const 888) "hostname\00")
(global $ROLES i32 (i32.const 904)) (data (i32.const 904) "{\"v\":1,\"schedule\":{\"roles\":{\00")
(global $CLOSE_TWO i32 (i32.const 936)) (data (i32.const 936) "}}\00")

;; Writes `"ROLE":{`.
(func $begin_role (param $role i32)
  (call $comma)
  (call $quote (call $name (local.get $role)))
  (call $say (global.get $OPEN_ROLE)))

;; Writes a host's key.
(func $put_host (param $peer i32)
  (call $comma)
  (call $quote (i64.load (i32.add (global.get $hostnames) (i32.shl (local.get $peer) (i32.const 3)))))
  (call $byte (i32.const 0x3a (;:;))))

;; Writes a role: its variables as they were written, its template, where it is placed.
(func $put_role (param $role i32)
  (local $walk i32) (local $key i64) (local $value i64) (local $peer i32)
  (local.set $walk (call $open (call $get (call $value (local.get $role)) (call $z (global.get $VARS)))))
  (call $begin_role (local.get $role))
  (block $end
    (loop $more
      (br_if $end (i32.eqz (local.get $walk)))
      (call $member (local.get $walk))
      (local.set $walk) (local.set $value) (local.set $key)
      (call $comma)
      (call $put (local.get $key))
      (call $byte (i32.const 0x3a))
      (call $put (local.get $value))
      (br $more)))
  (local.set $value (call $get (call $value (local.get $role)) (call $z (global.get $TEMPLATE))))
  (if (i64.ne (local.get $value) (i64.const 0))
    (then
      (call $comma)
      (call $say (global.get $TEMPLATE_KEY))
      (call $put (local.get $value))))
  (call $comma)
  (call $say (global.get $PLACE_KEY))
  (block $end
    (loop $more
      (br_if $end (i32.eq (local.get $peer) (global.get $peers)))
      (if (i32.load offset=4 (call $plan (local.get $role) (local.get $peer)))
        (then
          (call $put_host (local.get $peer))
          (call $put_integer (i64.load32_u offset=4 (call $plan (local.get $role) (local.get $peer))))))
      (local.set $peer (i32.add (local.get $peer) (i32.const 1)))
      (br $more)))
  (call $say (global.get $CLOSE_TWO)))

(global $OPEN_ROLE i32 (i32.const 944)) (data (i32.const 944) ":{\00")
(global $TEMPLATE_KEY i32 (i32.const 952)) (data (i32.const 952) "\"template\":\00")
(global $PLACE_KEY i32 (i32.const 968)) (data (i32.const 968) "\"place\":{\00")
(global $WHY_KEY i32 (i32.const 984)) (data (i32.const 984) ",\"why\":{\00")

;; Writes why each placement stands where it does; nothing where nothing is placed.
(func $put_reasons
  (local $role i32) (local $peer i32) (local $at i32) (local $any i32) (local $begun i32)
  (block $end
    (loop $roles
      (br_if $end (i32.eq (local.get $role) (global.get $roles)))
      (local.set $peer (i32.const 0))
      (local.set $begun (i32.const 0))
      (block $told
        (loop $more
          (br_if $told (i32.eq (local.get $peer) (global.get $peers)))
          (local.set $at (call $plan (local.get $role) (local.get $peer)))
          (if (i32.load offset=4 (local.get $at))
            (then
              (if (i32.eqz (local.get $any)) (then (call $say (global.get $WHY_KEY))))
              (local.set $any (i32.const 1))
              (if (i32.eqz (local.get $begun)) (then (call $begin_role (local.get $role))))
              (local.set $begun (i32.const 1))
              (call $put_host (local.get $peer))
              (call $put_reason (i64.load32_u (local.get $at)) (i64.load32_u offset=4 (local.get $at)))))
          (local.set $peer (i32.add (local.get $peer) (i32.const 1)))
          (br $more)))
      (if (local.get $begun) (then (call $byte (i32.const 0x7d))))
      (local.set $role (i32.add (local.get $role) (i32.const 1)))
      (br $roles)))
  (if (local.get $any) (then (call $byte (i32.const 0x7d)))))

;; `kept`, `new`, or how many of each.
(func $put_reason (param $before i64) (param $now i64)
  (call $byte (i32.const 0x22))
  (if (i64.eqz (local.get $before))
    (then (call $say (global.get $NEW)))
    (else
      (if (i64.ge_u (local.get $before) (local.get $now))
        (then (call $say (global.get $KEPT)))
        (else
          (call $put_integer (local.get $before))
          (call $say (global.get $SOME_KEPT))
          (call $put_integer (i64.sub (local.get $now) (local.get $before)))
          (call $say (global.get $SOME_NEW))))))
  (call $byte (i32.const 0x22)))

(global $NEW i32 (i32.const 1000)) (data (i32.const 1000) "new\00")
(global $KEPT i32 (i32.const 1008)) (data (i32.const 1008) "kept\00")
(global $SOME_KEPT i32 (i32.const 1016)) (data (i32.const 1016) " kept, \00")
(global $SOME_NEW i32 (i32.const 1024)) (data (i32.const 1024) " new\00")
