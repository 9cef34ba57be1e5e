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

/* ---- notices ---- */

static const char facts[] =
    "{\"plan\":\"A year <b>\",\"amount\":\"CNY 365.00\",\"date\":\"1 Mar 2027\"}";

static bool notice(struct arena *a, struct message *m, const char *name, bool chinese,
                   const char *says) {
  *m = (struct message){.to = LIT("ann@example.org")};
  return message_notice(a, m, text_of(name), chinese, LIT("L"), text_of(says), LIT("https://l"));
}

static void a_notice_is_filled_in_both_languages(void **state) {
  (void)state;
  struct arena a = {0};
  struct message m;
  assert_true(notice(&a, &m, "renewal", false, facts));
  assert_string_equal(m.subject.at, "A year <b> renews on 1 Mar 2027");
  assert_string_equal(m.text.at, "A year <b> renews on 1 Mar 2027 for CNY 365.00.\n\n"
                                 "If you don't want that, end it in one step: https://l\n\nL\n");
  assert_non_null(strstr(m.html.at, "A year &lt;b&gt; renews"));
  assert_null(strstr(m.html.at, "<b>"));
  assert_true(notice(&a, &m, "renewal", true, facts));
  assert_string_equal(m.subject.at, "A year <b>将于1 Mar 2027续期");
  assert_non_null(strstr(m.text.at, "如不需要，可一步取消：https://l"));
  m = (struct message){.to = LIT("+8613800138000")};
  assert_true(message_notice(&a, &m, LIT("ended"), false, LIT("L"), text_of(facts), LIT("u")));
  assert_string_equal(m.text.at, "【L】A year <b> has ended. You can come back at any time: u");
  assert_null(m.subject.at);
  assert_null(m.html.at);
  arena_free(&a);
}

/* Whatever is filled in stands there as it is: it is neither filled in again nor asked for what
 * it lacks, and nothing of a template is left. */
static void every_notice_has_all_its_words(void **state) {
  (void)state;
  struct arena a = {0};
  struct message m;
  for (size_t i = 0; i < COUNT(notices); i++)
    for (int chinese = 0; chinese < 2; chinese++) {
      assert_true(notice(&a, &m, notices[i].name, chinese, facts));
      assert_true(m.subject.len > 0);
      assert_non_null(strstr(m.text.at, "https://l"));
      assert_null(strpbrk(m.subject.at, "{}\r\n"));
      assert_null(strpbrk(m.text.at, "{}"));
      assert_true(notice(&a, &m, notices[i].name, chinese, "{}"));
      assert_null(strpbrk(m.text.at, "{}"));
      assert_true(notice(&a, &m, notices[i].name, chinese, "no object"));
    }
  assert_true(notice(&a, &m, "ended", false, "{\"plan\":\"{link} {plan\"}"));
  assert_string_equal(m.subject.at, "{link} {plan has ended");
  arena_free(&a);
}

static void no_fact_makes_a_header(void **state) {
  (void)state;
  struct arena a = {0};
  struct message m;
  const char *says = "{\"plan\":\"A year\\r\\nBcc: eve@example.org\\r\\n\\r\\n\\u007fHi\"}";
  for (int chinese = 0; chinese < 2; chinese++) {
    assert_true(notice(&a, &m, "ended", chinese, says));
    for (size_t i = 0; i < m.subject.len; i++) {
      assert_true((unsigned char)m.subject.at[i] >= 0x20);
      assert_int_not_equal(m.subject.at[i], 0x7f);
    }
    assert_non_null(strstr(m.subject.at, "A year  Bcc: eve@example.org"));
    assert_null(strstr(m.text.at, "\nBcc"));
  }
  arena_free(&a);
}

static void there_is_no_other_notice(void **state) {
  (void)state;
  struct arena a = {0};
  struct message m;
  const char *const none[] = {"", "Renewal", "renewal ", "renew", "code"};
  for (size_t i = 0; i < COUNT(none); i++) {
    assert_false(notice(&a, &m, none[i], false, facts));
    assert_null(m.text.at);
  }
  arena_free(&a);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(an_sms_names_its_sender),
                                     cmocka_unit_test(a_mail_has_two_forms),
                                     cmocka_unit_test(sealed_is_bound_to_its_row),
                                     cmocka_unit_test(a_notice_is_filled_in_both_languages),
                                     cmocka_unit_test(every_notice_has_all_its_words),
                                     cmocka_unit_test(no_fact_makes_a_header),
                                     cmocka_unit_test(there_is_no_other_notice)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
