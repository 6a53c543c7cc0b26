/* The same answers from the document and from the host. */
#include <math.h>

#include "tests.h"

static void check(struct vw_snapshot *snapshot, bool parents) {
    struct vw_texts hostnames;
    CHECK_ERROR(vw_hostnames(snapshot, &hostnames), NULL);
    CHECK_INTEGER((int64_t)hostnames.count, 3);
    CHECK_TEXT(VW_JOIN(hostnames.values[0], hostnames.values[1], hostnames.values[2]), "abc");
    CHECK_INTEGER((int64_t)vw_position(&hostnames, VW_TEXT("c")), 2);
    CHECK_INTEGER((int64_t)vw_position(&hostnames, VW_TEXT("bb")), 3);

    const vw_text *racks, *unknown;
    CHECK_ERROR(vw_attribute(snapshot, VW_TEXT("rack"), &racks), NULL);
    CHECK_TEXT(VW_JOIN(racks[0], VW_TEXT("|"), racks[1], VW_TEXT("|"), racks[2]), "r1||7");
    CHECK_ERROR(vw_attribute(snapshot, VW_TEXT("disk.ssd.x"), &unknown), NULL);
    CHECK_TEXT(unknown[1], "");

    const double *cpu, *none;
    CHECK_ERROR(vw_column(snapshot, VW_TEXT("cpu"), &cpu), NULL);
    CHECK(cpu[0] == 0.5 && isnan(cpu[1]) && cpu[2] == 0.1);
    CHECK_ERROR(vw_column(snapshot, VW_TEXT("gpu"), &none), NULL);
    CHECK(none == NULL);
    CHECK_ERROR(vw_column(snapshot, VW_TEXT("short"), &none), "column short has 1 values for 3 peers");

    const uint32_t *placed;
    CHECK_ERROR(vw_placed(snapshot, VW_TEXT("web"), &placed), NULL);
    CHECK_INTEGER(placed[0], parents ? 3 : 2);
    CHECK_INTEGER(placed[1], 0);
    CHECK_ERROR(vw_placed(snapshot, VW_TEXT("api"), &placed), NULL);
    CHECK_INTEGER(placed[0], 0);
}

static struct vw_snapshot snapshot(const char *text) {
    struct vw_document document;
    CHECK_ERROR(vw_document_read(vw_text_of(text), &document), NULL);
    return vw_snapshot_of(&document);
}

void test_snapshot(void) {
    struct vw_snapshot document = snapshot(
        "{\"v\":1,\"peers\":{\"c\":{\"machine\":{\"rack\":7}},\"a\":{\"machine\":{\"rack\":\"r1\"}},\"b\":{\"machine\":{\"rack\":[],\"disk\":{\"ssd\":true}}}},"
        "\"metrics\":{\"cpu\":[0.5,null,0.1],\"short\":[1]},"
        "\"parents\":[{\"nodes\":{\"a\":{\"roles\":{\"web\":{\"instances\":2}}},\"gone\":{\"roles\":{\"web\":{\"instances\":9}}}}},"
        "{\"nodes\":{\"a\":{\"roles\":{\"web\":{\"instances\":3}}}}}]}");
    check(&document, true);
    const vw_text *ssd;
    CHECK_ERROR(vw_attribute(&document, VW_TEXT("disk.ssd"), &ssd), NULL);
    CHECK_TEXT(VW_JOIN(ssd[0], VW_TEXT("|"), ssd[1], VW_TEXT("|"), ssd[2]), "|true|");

    static const char *const hostnames[] = {"a", "b", "c"}, *const racks[] = {"r1", "", "7"};
    static const double cpu[] = {0.5, NAN, 0.1}, one[] = {1}, placed[] = {2, 0, 0};
    struct vw_snapshot host = snapshot("{\"v\":1}");
    struct vw_texts names;
    CHECK_ERROR(vw_hostnames(&host, &names), "the host tells no hostnames: let `describe` or the manifest say `input: columns`, or read `peers`");
    stub_attribute("hostname", hostnames, 3);
    stub_attribute("rack", racks, 3);
    stub_column("cpu", cpu, 3);
    stub_column("short", one, 1);
    stub_column("placed.web", placed, 3);
    check(&host, false);
}
