/* Addresses as users write them: what is read, and what each mistake is
   called. */
#include "node/enode.h"

#include "lib/test.h"

#define ID                                                                     \
    "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"         \
    "202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f"

static void reads_and_writes_both_families(void **state) {
    (void)state;
    static const char *const good[][3] = {
        { "enode://" ID "@127.0.0.1:30303", "127.0.0.1",
          "00010203@127.0.0.1:30303" },
        { "enode://" ID "@[::1]:1", "::1", "00010203@[::1]:1" },
        { "enode://" ID "@[2001:db8::ff]:65535", "2001:db8::ff",
          "00010203@[2001:db8::ff]:65535" },
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct enode e;
        char why[128], text[ENODE_TEXT_MAX], name[ENODE_SHORT_MAX];
        assert_int_equal(enode_parse(&e, why, sizeof why, good[i][0]), 0);
        for (int b = 0; b < 64; b++) assert_int_equal(e.id[b], b);
        assert_string_equal(e.host, good[i][1]);
        assert_int_equal(enode_format(text, &e), strlen(good[i][0]));
        assert_string_equal(text, good[i][0]);
        enode_short(name, &e);
        assert_string_equal(name, good[i][2]);
    }
}

static void takes_a_discovery_port(void **state) {
    (void)state;
    struct enode e;
    char why[128];
    assert_int_equal(enode_parse(&e, why, sizeof why,
                                 "enode://" ID "@10.0.0.1:30303?discport=0"),
                     0);
    assert_int_equal(enode_parse(&e, why, sizeof why,
                                 "enode://" ID
                                 "@10.0.0.1:30303?discport=30301"),
                     0);
    assert_int_equal(e.port, 30303);
}

static void names_what_is_wrong(void **state) {
    (void)state;
    static const char *const bad[][2] = {
        { "", "it does not begin with enode://" },
        { "enr:-abc", "it does not begin with enode://" },
        { "enode://" ID, "there is no @ after the id" },
        { "enode://" ID "00@1.2.3.4:1", "the node id has 130 digits, not 128" },
        { "enode://@1.2.3.4:1", "the node id has 0 digits, not 128" },
        { "enode://g" ID "@1.2.3.4:1", "the node id has 129 digits, not 128" },
        { "enode://0x" ID "@1.2.3.4:1", "the node id has 130 digits, not 128" },
        { "enode://" ID "@1.2.3.4", "there is no port" },
        { "enode://" ID "@[::1]", "there is no port" },
        { "enode://" ID "@example.org:1",
          "the host is not an IP address in digits" },
        { "enode://" ID "@::1:30303",
          "the host is not an IP address in digits" },
        { "enode://" ID "@[1.2.3.4]:30303",
          "the host is not an IP address in digits" },
        { "enode://" ID "@1.2.3.256:1",
          "the host is not an IP address in digits" },
        { "enode://" ID "@:1", "the host is not an IP address in digits" },
        { "enode://" ID "@[:1", "the host is not an IP address in digits" },
        { "enode://" ID "@1.2.3.4:0",
          "the port is not a number from 1 to 65535" },
        { "enode://" ID "@1.2.3.4:65536",
          "the port is not a number from 1 to 65535" },
        { "enode://" ID "@1.2.3.4:99999999999999999999",
          "the port is not a number from 1 to 65535" },
        { "enode://" ID "@1.2.3.4:x",
          "the port is not a number from 1 to 65535" },
        { "enode://" ID "@1.2.3.4:1/", "there is more after the port" },
        { "enode://" ID "@1.2.3.4:1?discport=", "discport is not a port" },
        { "enode://" ID "@1.2.3.4:1?discport=70000", "discport is not a port" },
        { "enode://" ID "@1.2.3.4:1?discport=2x",
          "there is more after the port" },
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct enode e;
        char why[128] = "";
        assert_int_equal(enode_parse(&e, why, sizeof why, bad[i][0]),
                         BP_ERR_FORMAT);
        assert_string_equal(why, bad[i][1]);
    }
    char bent[] = "enode://" ID "@1.2.3.4:1";
    bent[20] = 'g';
    struct enode e;
    char why[128];
    assert_int_equal(enode_parse(&e, why, sizeof why, bent), BP_ERR_FORMAT);
    assert_string_equal(why, "the node id is not hexadecimal");
}

static void compares_ids_only(void **state) {
    (void)state;
    struct enode a = { .id = { 1 }, .port = 1 }, b = { .id = { 1 }, .port = 2 };
    assert_true(enode_same_id(&a, &b));
    b.id[63] = 1;
    assert_false(enode_same_id(&a, &b));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        T(reads_and_writes_both_families),
        T(takes_a_discovery_port),
        T(names_what_is_wrong),
        T(compares_ids_only),
    };
    return bp_run(tests);
}
