// The documents that the host hands to plugins, typed; the contract's README tells units and bounds of every field. What the plugin does
// not read (`reads` of its description) is empty.

import { fail } from "./failure";
import { Json, Kind, Mapping } from "./json";

/** What all documents have. */
export class Document {
  /** The document's keys, for those that this class does not name. */
  readonly fields: Mapping;

  constructor(json: Json) {
    const fields = json.mapping();
    if (fields == null) fail("the input is no mapping");
    this.fields = fields != null ? fields : new Mapping();
  }

  /** The round's time in ms since the Unix epoch: the only clock. */
  get now(): i64 { return this.whole("now"); }
  /** The manifest's `config`, a mapping. */
  get config(): Json { return this.value("config"); }

  /** The value of a key, `null` where it is absent. */
  value(key: string): Json {
    const value = this.fields.get(key);
    return value != null ? value : Json.ofNull();
  }

  /** The text at a key, "" where there is none. */
  text(key: string): string { return this.value(key).textOr(""); }
  /** The whole number at a key, 0 where there is none. */
  whole(key: string): i64 { return this.value(key).whole(0); }

  /** The mapping at a key, an empty one where there is none. */
  mapping(key: string): Mapping {
    const mapping = this.value(key).mapping();
    return mapping != null ? mapping : new Mapping();
  }

  /** The schedule at a key, or null. */
  schedule(key: string): Placed | null {
    const value = this.value(key);
    return value.kind == Kind.Mapping ? new Placed(value) : null;
  }
}

/** What the documents of a round have: a scheduler's and a policy's. */
export class Round extends Document {
  /** Number of the decision within the term. */
  get round(): i64 { return this.whole("round"); }
  /** Number of the leadership. */
  get term(): i64 { return this.whole("term"); }
  /** The leader's hostname. */
  get currentHost(): string { return this.text("current_host"); }
  get currentId(): string { return this.text("current_id"); }
  /** The operators' metadata, a mapping. */
  get runtime(): Json { return this.value("runtime"); }

  /** All nodes in ascending order of hostname, with `input: document`. */
  get peers(): Peer[] {
    const peers: Peer[] = [];
    const values = this.mapping("peers").values;
    for (let at = 0; at < values.length; at++) peers.push(new Peer(values[at]));
    return peers;
  }

  /** A metric with `input: document`: one number a peer, NaN where there is no sample; null where there is no such metric. */
  metric(name: string): StaticArray<f64> | null {
    const value = this.mapping("metrics").get(name);
    const samples = value != null ? value.list() : null;
    if (samples == null) return null;
    const numbers = new StaticArray<f64>(samples.length);
    for (let at = 0; at < samples.length; at++) numbers[at] = samples[at].number();
    return numbers;
  }
}

/** A scheduler's input. */
export class Input extends Round {
  /** The schedules that this decision follows: none at first, one as a rule, several after a change of leaders. */
  get parents(): Placed[] {
    const parents: Placed[] = [];
    const values = this.value("parents").list();
    if (values == null) return parents;
    for (let at = 0; at < values.length; at++) parents.push(new Placed(values[at]));
    return parents;
  }

  /** The operators' pending actions, by id. */
  get actions(): Mapping { return this.mapping("actions"); }
}

/** A policy's input. */
export class Review extends Round {
  private proposedOnce: Placed | null = null;

  /** The schedule in question. */
  get proposed(): Placed {
    const once = this.proposedOnce;
    if (once != null) return once;
    const proposed = new Placed(this.value("schedule"));
    this.proposedOnce = proposed;
    return proposed;
  }

  /** The one in force, read anew each time; null before the first. */
  get previous(): Placed | null { return this.schedule("previous"); }
  get diff(): Diff { return new Diff(this.value("diff")); }
}

/** What changes from the schedule in force to the one in question. */
export class Diff extends Document {
  /** Role to hostname to how many instances more. */
  get added(): Mapping { return this.mapping("added"); }
  /** Role to hostname to how many instances fewer. */
  get removed(): Mapping { return this.mapping("removed"); }
  /** Role to how many instances. */
  get moved(): Mapping { return this.mapping("moved"); }
  /** Role to the hosts with as many instances as before and other variables. */
  get changed(): Mapping { return this.mapping("changed"); }
}

/** A question to a query plugin. */
export class Question extends Document {
  /** What follows `/v1/query/`, decoded. */
  get path(): string { return this.text("path"); }
  get method(): string { return this.text("method"); }
  /** The parameters of the URL, decoded: texts. */
  get query(): Mapping { return this.mapping("query"); }
  /** The request's JSON; null where there was none. */
  get body(): Json { return this.value("body"); }
  /** The node that was asked. */
  get hostname(): string { return this.text("hostname"); }
  /** The one in force on that node, or null. */
  get placed(): Placed | null { return this.schedule("schedule"); }
  get scheduleDigest(): string { return this.text("schedule_digest"); }
}

/** What a query plugin knows when it chooses the roles that a node renders. */
export class Render extends Document {
  get hostname(): string { return this.text("hostname"); }
  /** The one to be rendered. */
  get placed(): Placed | null { return this.schedule("schedule"); }
  /** The one rendered before; null at first and when a render is forced. */
  get previous(): Placed | null { return this.schedule("previous"); }
  /** The machine's facts, a mapping. */
  get machine(): Json { return this.value("machine"); }
}

/** A node of the cluster. */
export class Peer extends Document {
  get id(): string { return this.text("id"); }
  get hostname(): string { return this.text("hostname"); }
  get name(): string { return this.text("name"); }
  /** `IP:PORT`, "" where it is not known. */
  get addr(): string { return this.text("addr"); }
  /** ms since the Unix epoch. */
  get knownSince(): i64 { return this.whole("known_since"); }
  /** ms since the Unix epoch, 0 where there was none. */
  get lastReportDirect(): i64 { return this.whole("last_report_direct"); }
  /** Since when it answers, ms since the Unix epoch. */
  get since(): i64 { return this.whole("since"); }
  /** The digest of the schedule that is in force there, "" where it does not say. */
  get scheduleDigest(): string { return this.text("schedule"); }
  /** How many roles could not be brought to what that schedule says. */
  get errors(): i64 { return this.whole("errors"); }
  /** The machine's facts, a mapping. */
  get machine(): Json { return this.value("machine"); }
}

/** A schedule as it is in force: the canonical form. */
export class Placed extends Document {
  /** Hosts in ascending order; each node as it was written. */
  nodes: Mapping = new Mapping();
  /** Each role's variables. */
  roles: Mapping = new Mapping();
  private rolesByNode: Mapping[] = [];

  constructor(json: Json) {
    super(json);
    this.nodes = this.mapping("nodes");
    this.roles = this.mapping("roles");
    for (let at = 0; at < this.nodes.values.length; at++) {
      this.rolesByNode.push(new Document(this.nodes.values[at]).mapping("roles"));
    }
  }

  /** What the scheduler kept. */
  get state(): Json { return this.value("state"); }
  /** Variables of every role. */
  get vars(): Mapping { return this.mapping("vars"); }

  /** How many instances of a role each of `nodes.keys` has. */
  instances(role: string): StaticArray<i64> {
    const instances = new StaticArray<i64>(this.rolesByNode.length);
    for (let at = 0; at < instances.length; at++) {
      const placement = this.rolesByNode[at].get(role);
      instances[at] = placement != null ? new Document(placement).whole("instances") : 0;
    }
    return instances;
  }

  /** How many instances of a role there are on all nodes. */
  total(role: string): i64 {
    const instances = this.instances(role);
    let sum: i64 = 0;
    for (let at = 0; at < instances.length; at++) sum += instances[at];
    return sum;
  }
}
