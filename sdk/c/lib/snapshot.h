/*
 * This round's peers and their columns, the same whether they stand in the document or are the host's: everything has one value a
 * peer, in ascending order of hostname, and a peer is its position there.
 */
#ifndef VERWALTER_SNAPSHOT_H
#define VERWALTER_SNAPSHOT_H

#include "document.h"
#include "host.h"

/** Peers and columns, not read yet. */
struct vw_snapshot {
    vw_json peers, metrics, parents; /* of the document, where it has them */
    struct vw_texts hostnames;       /* once they were asked for */
};

/** The snapshot of an input document. */
struct vw_snapshot vw_snapshot_of(const struct vw_document *document);

/** All hostnames. Asked once, then kept. */
vw_error vw_hostnames(struct vw_snapshot *snapshot, struct vw_texts *hostnames);

/** The position of the peer called `hostname`, or the number of peers where there is none. O(log n). */
size_t vw_position(const struct vw_texts *hostnames, vw_text hostname);

/** A machine fact by its dotted path (`rack`, `disk.ssd`), `id`, `name`, `addr`, `since`, `schedule`, `errors` or `hostname`; "" where a peer has none. */
vw_error vw_attribute(struct vw_snapshot *snapshot, vw_text name, const vw_text **values);

/** The column that the manifest's `metrics` declare as `name`; `values` is NULL where there is none. NaN: no sample. */
vw_error vw_column(struct vw_snapshot *snapshot, vw_text name, const double **values);

/**
 * How many instances of `role` each peer has in the schedule in force; 0 everywhere where nothing is known of it. From several
 * parents in the document (a new leader inherits them) the greatest number counts.
 */
vw_error vw_placed(struct vw_snapshot *snapshot, vw_text role, const uint32_t **instances);

/** Instances of `role` on `node`, a node of a schedule in canonical form; 0 where it has none. */
int64_t vw_instances_on(vw_json node, vw_text role);

#endif
