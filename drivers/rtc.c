/* The real-time clock of a PC, [MC146818A], read once at start-up. Left out: setting it, alarms. */
#include "drivers/rtc.h"

#include "arch.h"
#include "io.h"

#define PORT_INDEX 0x70
#define PORT_DATA 0x71
#define REG_SECONDS 0x00
#define REG_MINUTES 0x02
#define REG_HOURS 0x04
#define REG_DAY 0x07
#define REG_MONTH 0x08
#define REG_YEAR 0x09
#define REG_STATUS_A 0x0a
#define REG_STATUS_B 0x0b
#define UPDATING 0x80 /* status A */
#define BINARY 0x04   /* status B */
#define HOURS_24 0x02
#define AFTERNOON 0x80 /* hours, in 12-hour form */
#define UPDATE_WAIT_US 3000 /* an update takes 2 ms, [MC146818A] */
#define TRIES 8

struct rtc_time {
    u8 second, minute, hour, day, month, year;
};

static u8
read_reg(u8 reg)
{
    port_out8(PORT_INDEX, reg);
    return port_in8(PORT_DATA);
}

static struct rtc_time
read_time(void)
{
    for (unsigned waited = 0; waited < UPDATE_WAIT_US && (read_reg(REG_STATUS_A) & UPDATING);
         waited += 10)
        time_delay_us(10);
    return (struct rtc_time){.second = read_reg(REG_SECONDS), .minute = read_reg(REG_MINUTES),
                             .hour = read_reg(REG_HOURS), .day = read_reg(REG_DAY),
                             .month = read_reg(REG_MONTH), .year = read_reg(REG_YEAR)};
}

static bool
same(const struct rtc_time *left, const struct rtc_time *right)
{
    return left->second == right->second && left->minute == right->minute &&
           left->hour == right->hour && left->day == right->day && left->month == right->month &&
           left->year == right->year;
}

static u8
from_bcd(u8 value)
{
    return (u8)((value >> 4) * 10 + (value & 15));
}

static void
make_binary(struct rtc_time *time)
{
    u8 status = read_reg(REG_STATUS_B);
    bool afternoon = !(status & HOURS_24) && (time->hour & AFTERNOON);
    if (!(status & HOURS_24))
        time->hour &= (u8)~AFTERNOON;
    if (!(status & BINARY)) {
        time->second = from_bcd(time->second);
        time->minute = from_bcd(time->minute);
        time->hour = from_bcd(time->hour);
        time->day = from_bcd(time->day);
        time->month = from_bcd(time->month);
        time->year = from_bcd(time->year);
    }
    if (!(status & HOURS_24))
        time->hour = (u8)(time->hour % 12 + (afternoon ? 12 : 0));
}

/* Days from 1970-01-01 to the date of a year from 2000 to 2099. */
static u32
days_since_1970(u32 year, u32 month, u32 day)
{
    static const u16 before_month[12] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
    u32 days = (year - 1970) * 365 + (year - 1969) / 4; /* leap days of the years before */
    days += before_month[month - 1] + day - 1;
    if (month > 2 && year % 4 == 0)
        days++;
    return days;
}

u64
rtc_read(void)
{
    struct rtc_time time = read_time(), again;
    for (unsigned i = 0; i < TRIES; i++) {
        again = time;
        time = read_time();
        if (same(&time, &again))
            break;
    }
    make_binary(&time);
    if (time.second > 59 || time.minute > 59 || time.hour > 23 || time.day < 1 || time.day > 31 ||
        time.month < 1 || time.month > 12 || time.year > 99)
        return 0;
    u32 days = days_since_1970(2000u + time.year, time.month, time.day);
    return (u64)days * 86400 + time.hour * 3600u + time.minute * 60u + time.second;
}
