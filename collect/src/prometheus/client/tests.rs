//! Forms; answers of real servers are in the tests of the whole source.

use super::*;

#[test]
fn forms_keep_every_byte() {
    let mut form = String::new();
    push(&mut form, "query", "a{b=\"c&d\"} + ä");
    push(&mut form, "time", &seconds(UnixMillis(1_700_000_000_005)));
    assert_eq!(form, "query=a%7Bb%3D%22c%26d%22%7D%20%2B%20%C3%A4&time=1700000000.005");
}
