/* Clocks, and RFC 3339 in and out. Dates are the proleptic Gregorian calendar's, as in PostgreSQL;
 * gmtime() and timegm() are avoided for their locks and their time zone files. */
#include "base/base.h"

#include <stdio.h>
#include <time.h>

static const int64_t DAY = 86400, SECOND = 1000000;

static struct timespec read_clock(clockid_t clock) {
  struct timespec t = {0};
  clock_gettime(clock, &t); /* can't fail for these two clocks */
  return t;
}

micros time_now(void) {
  struct timespec t = read_clock(CLOCK_REALTIME);
  return (micros)t.tv_sec * SECOND + t.tv_nsec / 1000;
}

uint64_t time_nanos(void) {
  struct timespec t = read_clock(CLOCK_MONOTONIC);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

uint64_t time_ticks(void) {
  return time_nanos() / 1000000u;
}

/* Days since 1970-01-01. Years are counted from March, so that the leap day comes last; 400 years
 * are 146,097 days (after Howard Hinnant, "chrono-compatible low-level date algorithms"). */
static int64_t days_of(int64_t year, int month, int day) {
  if (month <= 2) year--;
  int64_t era = (year >= 0 ? year : year - 399) / 400;
  int64_t of_era = year - era * 400;
  int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

/* The way back, for days from 0000-03-01 on and a little before. */
static void date_of(int64_t days, int *year, int *month, int *day) {
  days += 719468;
  int64_t era = (days >= 0 ? days : days - 146096) / 146097;
  int64_t of_era = days - era * 146097;
  int64_t y = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
  int64_t of_year = of_era - (365 * y + y / 4 - y / 100);
  int64_t m = (5 * of_year + 2) / 153;
  *day = (int)(of_year - (153 * m + 2) / 5 + 1);
  *month = (int)(m < 10 ? m + 3 : m - 9);
  *year = (int)(y + era * 400 + (*month <= 2));
}

/* What four digits of a year can tell: 0000-01-01T00:00:00Z until before 10000-01-01. */
static const micros EARLIEST = -62167219200 * 1000000, LATEST = 253402300800 * 1000000 - 1;

static void put_digits(char *out, int width, int64_t n) {
  while (width-- > 0) {
    out[width] = (char)('0' + n % 10);
    n /= 10;
  }
}

void time_write(micros t, char out[static 32]) {
  static const char form[] = "0000-00-00T00:00:00.000Z";
  int year, month, day;
  t = t < EARLIEST ? EARLIEST : t > LATEST ? LATEST : t; /* PostgreSQL's infinities, for one */
  int64_t seconds = (t - EARLIEST) / SECOND + EARLIEST / SECOND;
  int64_t of_day = (seconds - EARLIEST / SECOND) % DAY;
  date_of((seconds - of_day) / DAY, &year, &month, &day);
  for (size_t i = 0; i < sizeof form; i++)
    out[i] = form[i];
  put_digits(out, 4, year);
  put_digits(out + 5, 2, month);
  put_digits(out + 8, 2, day);
  put_digits(out + 11, 2, of_day / 3600);
  put_digits(out + 14, 2, of_day / 60 % 60);
  put_digits(out + 17, 2, of_day % 60);
  put_digits(out + 20, 3, (t - EARLIEST) % SECOND / 1000);
}

/* Takes exactly `width` digits and, unless it is 0, the character behind them. */
static bool take_digits(struct text *t, size_t width, char behind, int *out) {
  size_t whole = width + (behind ? 1 : 0);
  *out = 0;
  if (t->len < whole || (behind && t->at[width] != behind)) return false;
  for (size_t i = 0; i < width; i++) {
    if (t->at[i] < '0' || t->at[i] > '9') return false;
    *out = *out * 10 + (t->at[i] - '0');
  }
  *t = (struct text){t->at + whole, t->len - whole};
  return true;
}

static bool take_date(struct text *t, int64_t *days) {
  static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  int year, month, day;
  if (!take_digits(t, 4, '-', &year) || !take_digits(t, 2, '-', &month) ||
      !take_digits(t, 2, 0, &day) || month < 1 || month > 12 || day < 1)
    return false;
  bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  if (day > lengths[month - 1] + (leap && month == 2)) return false;
  *days = days_of(year, month, day);
  return true;
}

static bool take_fraction(struct text *t, int64_t *fraction) {
  *fraction = 0;
  if (!t->len || t->at[0] != '.') return true;
  int64_t worth = SECOND / 10;
  size_t i = 1;
  for (; i < t->len && t->at[i] >= '0' && t->at[i] <= '9'; i++, worth /= 10)
    *fraction += (t->at[i] - '0') * worth;
  *t = (struct text){t->at + i, t->len - i};
  return i > 1;
}

/* `Z` or `+08:00`, and nothing behind it. */
static bool take_offset(struct text t, int64_t *seconds) {
  int hours, minutes;
  *seconds = 0;
  if (t.len == 1) return t.at[0] == 'Z' || t.at[0] == 'z';
  if (t.len != 6 || (t.at[0] != '+' && t.at[0] != '-')) return false;
  struct text rest = {t.at + 1, t.len - 1};
  if (!take_digits(&rest, 2, ':', &hours) || !take_digits(&rest, 2, 0, &minutes) || hours > 23 ||
      minutes > 59)
    return false;
  *seconds = (hours * 3600 + minutes * 60) * (t.at[0] == '-' ? -1 : 1);
  return true;
}

bool time_parse(struct text t, micros *out) {
  int64_t days, fraction, offset;
  int hour, minute, second;
  if (!take_date(&t, &days) || !t.len || (t.at[0] != 'T' && t.at[0] != 't')) return false;
  t = (struct text){t.at + 1, t.len - 1};
  if (!take_digits(&t, 2, ':', &hour) || !take_digits(&t, 2, ':', &minute) ||
      !take_digits(&t, 2, 0, &second) || !take_fraction(&t, &fraction) || !take_offset(t, &offset))
    return false;
  if (hour > 23 || minute > 59 || second > 60) return false;
  int64_t seconds = days * DAY + hour * 3600 + minute * 60 + second - offset;
  /* A leap second is the last of a day in UTC; like POSIX we take it for the next day's first. */
  if (second == 60 && seconds % DAY != 0) return false;
  micros at = seconds * SECOND + fraction;
  if (at < EARLIEST || at > LATEST) return false;
  *out = at;
  return true;
}
