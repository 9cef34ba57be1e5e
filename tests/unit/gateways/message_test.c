/* The words of messages, and what they look like sealed. */
#include "gateways/message.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void an_sms_names_its_sender(void **state) {
  (void)state;
  struct arena a = {0};
  struct message m = {.to = LIT("+8613800138000")};
  message_write(&a, &m, MESSAGE_CODE, true, LIT("开友大讲堂"), LIT("012345"));
  assert_true(text_starts(m.text, "【开友大讲堂】您的验证码是 012345，10 分钟内有效。"));
  assert_null(m.subject.at);
  arena_free(&a);
}

static void a_mail_has_two_forms(void **state) {
  (void)state;
  struct arena a = {0};
  struct message m = {.to = LIT("ann@example.org")};
  message_write(&a, &m, MESSAGE_CODE, false, LIT("<Lyceum>"), LIT("012345"));
  assert_string_equal(m.subject.at, "Your code is 012345");
  assert_true(text_starts(m.text, "Your code is 012345. It is good for 10 minutes.\n"));
  assert_non_null(strstr(m.html.at, "&lt;Lyceum&gt;"));
  assert_null(strstr(m.html.at, "<Lyceum>"));
  message_write(&a, &m, MESSAGE_PASSWORD_CHANGED, true, LIT("L"), NONE);
  assert_string_equal(m.subject.at, "密码已更改");
  arena_free(&a);
}

static void sealed_is_bound_to_its_row(void **state) {
  (void)state;
  struct arena a = {0};
  struct digest key = {{7}}, other = {{8}};
  struct uuid id = uuid_new(), another = uuid_new();
  struct text code, sealed = message_seal(&a, &key, id, LIT("ann@example.org"), LIT("012345"));
  struct message m;
  assert_null(memmem(sealed.at, sealed.len, "ann@", 4));
  assert_true(message_open(&a, &key, id, sealed, &m, &code));
  assert_true(text_is(m.to, "ann@example.org"));
  assert_true(text_is(code, "012345"));
  assert_true(uuid_equal(m.id, id));
  assert_false(message_open(&a, &key, another, sealed, &m, &code));
  assert_false(message_open(&a, &other, id, sealed, &m, &code));
  sealed = message_seal(&a, &key, id, LIT("+8613800138000"), NONE);
  assert_true(message_open(&a, &key, id, sealed, &m, &code));
  assert_int_equal(code.len, 0);
  arena_free(&a);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(an_sms_names_its_sender),
                                     cmocka_unit_test(a_mail_has_two_forms),
                                     cmocka_unit_test(sealed_is_bound_to_its_row)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
