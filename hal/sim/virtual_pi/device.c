/* /dev/i2c-N, /dev/gpiochipN and some files of the system for programs that were started with this library preloaded.
 *
 * Each open device and each requested GPIO line is a connection (SOCK_SEQPACKET) to the server in server.py, which plays
 * the kernel: an ioctl becomes one message there and back, with the structures of <linux/gpio.h> as they are and those of
 * <linux/i2c-dev.h> without their pointers. Events of a line come through a stream of their own, whose descriptor is what
 * the program gets, so that poll and read need no help.
 *
 * Environment: VIRTUAL_PI is the server's socket; what is in the folder VIRTUAL_PI_ROOT covers the same files of /dev,
 * /proc and /sys. Not covered: folders that are listed, duplicated descriptors, statically linked programs and io_uring.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/gpio.h>
#include <linux/i2c-dev.h>
#include <linux/i2c.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define FILES 1024
#define FIRST_HIDDEN 512 /* the program's own descriptors stay small */
#define MESSAGE 8192
#define I2C_IOCTLS 0x07
#define GPIO_IOCTLS 0xB4

enum { OPEN = 0, RELEASE = 1 }; /* beside the numbers of ioctls, which are larger */
enum kind { NOT_OURS, I2C, CHIP, LINE };

struct header {
    uint32_t what;  /* OPEN, RELEASE or an ioctl; in an answer an errno */
    uint32_t bytes; /* that follow */
};

static struct file {
    enum kind kind;
    int control; /* the connection */
    int address; /* of the I2C chip, as I2C_SLAVE set it */
    pid_t owner; /* a child between fork and exec closes its copies, which is nothing to the device */
    pthread_mutex_t busy;
} files[FILES] = {[0 ... FILES - 1] = {NOT_OURS, -1, -1, 0, PTHREAD_MUTEX_INITIALIZER}};

static struct file *ours(int fd)
{
    return fd >= 0 && fd < FILES && files[fd].kind != NOT_OURS ? &files[fd] : NULL;
}

static void keep(int fd, enum kind kind, int control)
{
    files[fd].control = control;
    files[fd].address = -1;
    files[fd].owner = getpid();
    files[fd].kind = kind;
}

static int failed(int error)
{
    errno = error;
    return -1;
}

/* Put aside descriptors that come with an answer. Returns how many there are. */
static int received_descriptors(struct msghdr *message, int fds[2])
{
    struct cmsghdr *c = CMSG_FIRSTHDR(message);
    if (!c || c->cmsg_type != SCM_RIGHTS)
        return 0;
    memcpy(fds, CMSG_DATA(c), 2 * sizeof(int));
    return 2;
}

/* One message there and back. Returns the bytes of the answer, at most `room` of which are in `in`, or -1. */
static int ask(int control, uint32_t what, const void *out, size_t bytes, void *in, size_t room, int fds[2])
{
    char buffer[sizeof(struct header) + MESSAGE];
    union { char bytes[CMSG_SPACE(2 * sizeof(int))]; struct cmsghdr align; } rights;
    struct header header = {what, (uint32_t)bytes};
    struct iovec part = {buffer, sizeof buffer};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &rights, .msg_controllen = sizeof rights};
    if (bytes > MESSAGE)
        return failed(EMSGSIZE);
    memcpy(buffer, &header, sizeof header);
    if (bytes)
        memcpy(buffer + sizeof header, out, bytes);
    if (send(control, buffer, sizeof header + bytes, MSG_NOSIGNAL) < 0)
        return failed(ENODEV);
    ssize_t got;
    do
        got = recvmsg(control, &message, MSG_CMSG_CLOEXEC);
    while (got < 0 && errno == EINTR);
    if (got < (ssize_t)sizeof header)
        return failed(ENODEV); /* the server has gone: the device is unplugged */
    memcpy(&header, buffer, sizeof header);
    if (fds && received_descriptors(&message, fds) == 0)
        fds[0] = fds[1] = -1;
    if (header.what)
        return failed((int)header.what);
    if (room)
        memcpy(in, buffer + sizeof header, header.bytes < room ? header.bytes : room);
    return (int)header.bytes;
}

static int ask_file(struct file *file, uint32_t what, const void *out, size_t bytes, void *in, size_t room, int fds[2])
{
    pthread_mutex_lock(&file->busy);
    int answer = ask(file->control, what, out, bytes, in, room, fds);
    pthread_mutex_unlock(&file->busy);
    return answer;
}

/* Returns -2 for a path that is none of ours. */
static int open_device(const char *path)
{
    const char *server = getenv("VIRTUAL_PI");
    struct sockaddr_un address = {AF_UNIX, ""};
    int number, end = 0;
    enum kind kind = I2C;
    if (!server || !path)
        return -2;
    if (sscanf(path, "/dev/i2c-%d%n", &number, &end) != 1 || path[end]) {
        kind = CHIP;
        if (sscanf(path, "/dev/gpiochip%d%n", &number, &end) != 1 || path[end])
            return -2;
    }
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (fd < 0 || fd >= FILES)
        return failed(EMFILE);
    strncpy(address.sun_path, server, sizeof address.sun_path - 1);
    int refused = connect(fd, (struct sockaddr *)&address, sizeof address) ? ENOENT : 0;
    if (!refused && ask(fd, OPEN, path, strlen(path), NULL, 0, NULL) < 0)
        refused = errno;
    if (refused) {
        close(fd);
        return failed(refused);
    }
    keep(fd, kind, fd);
    return fd;
}

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static const char *redirected(const char *path, char *buffer, size_t room)
{
    const char *root = getenv("VIRTUAL_PI_ROOT");
    if (root && path && (!strncmp(path, "/dev/", 5) || !strncmp(path, "/proc/", 6) || !strncmp(path, "/sys/", 5))) {
        snprintf(buffer, room, "%s%s", root, path);
        if (!NEXT(access)(buffer, F_OK))
            return buffer;
    }
    return path;
}

#define MODE(flags) \
    mode_t mode = 0; \
    if ((flags) & O_CREAT || ((flags) & O_TMPFILE) == O_TMPFILE) { \
        va_list rest; \
        va_start(rest, flags); \
        mode = va_arg(rest, mode_t); \
        va_end(rest); \
    }
#define DEFINE_OPEN(name) \
    int name(const char *path, int flags, ...) \
    { \
        char buffer[PATH_MAX]; \
        int fd = open_device(path); \
        MODE(flags) \
        return fd != -2 ? fd : NEXT(name)(redirected(path, buffer, sizeof buffer), flags, mode); \
    }
#define DEFINE_OPENAT(name) \
    int name(int folder, const char *path, int flags, ...) \
    { \
        char buffer[PATH_MAX]; \
        int fd = open_device(path); \
        MODE(flags) \
        return fd != -2 ? fd : NEXT(name)(folder, redirected(path, buffer, sizeof buffer), flags, mode); \
    }
DEFINE_OPEN(open)
DEFINE_OPEN(open64)
DEFINE_OPENAT(openat)
DEFINE_OPENAT(openat64)

/* What open becomes where a program was compiled with _FORTIFY_SOURCE. */
int __open_2(const char *path, int flags)
{
    return open(path, flags);
}

int __open64_2(const char *path, int flags)
{
    return open64(path, flags);
}

#define DEFINE_LOOK(name, type) \
    int name(const char *path, type about) \
    { \
        char buffer[PATH_MAX]; \
        return NEXT(name)(redirected(path, buffer, sizeof buffer), about); \
    }
DEFINE_LOOK(access, int)
DEFINE_LOOK(stat, struct stat *)
DEFINE_LOOK(stat64, struct stat64 *)
DEFINE_LOOK(lstat, struct stat *)
DEFINE_LOOK(lstat64, struct stat64 *)

int close(int fd)
{
    struct file *file = ours(fd);
    if (file && file->owner == getpid()) {
        file->kind = NOT_OURS;
        if (file->control != fd) { /* a line is free as soon as this returns, so the server must know it */
            ask_file(file, RELEASE, NULL, 0, NULL, 0, NULL);
            NEXT(close)(file->control);
        }
    }
    return NEXT(close)(fd);
}

static int smbus(struct file *file, struct i2c_smbus_ioctl_data *arg)
{
    struct { uint8_t address, read, command, size; union i2c_smbus_data data; } out = {
        (uint8_t)file->address, (uint8_t)arg->read_write, arg->command, (uint8_t)arg->size, {0}};
    if (arg->data)
        out.data = *arg->data;
    return ask_file(file, (uint32_t)I2C_SMBUS, &out, sizeof out, arg->data, arg->data ? sizeof out.data : 0, NULL) < 0
               ? -1 : 0;
}

/* There: address, flags and length of each message, with the bytes of those that write. Back: what was read. */
static int transfer(struct file *file, struct i2c_rdwr_ioctl_data *arg)
{
    uint8_t out[MESSAGE], in[MESSAGE];
    size_t bytes = 0, at = 0;
    for (uint32_t i = 0; i < arg->nmsgs; i++) {
        struct i2c_msg *m = &arg->msgs[i];
        uint16_t head[3] = {m->addr, m->flags, m->len};
        if (bytes + sizeof head + m->len > sizeof out)
            return failed(EINVAL);
        memcpy(out + bytes, head, sizeof head);
        bytes += sizeof head;
        if (!(m->flags & I2C_M_RD)) {
            memcpy(out + bytes, m->buf, m->len);
            bytes += m->len;
        }
    }
    if (ask_file(file, (uint32_t)I2C_RDWR, out, bytes, in, sizeof in, NULL) < 0)
        return -1;
    for (uint32_t i = 0; i < arg->nmsgs; i++) {
        struct i2c_msg *m = &arg->msgs[i];
        if (m->flags & I2C_M_RD) {
            memcpy(m->buf, in + at, m->len);
            at += m->len;
        }
    }
    return (int)arg->nmsgs;
}

static int i2c(struct file *file, unsigned long what, void *arg)
{
    switch (what) {
    case I2C_SLAVE:
    case I2C_SLAVE_FORCE:
        file->address = (int)(intptr_t)arg;
        return 0;
    case I2C_TENBIT:
    case I2C_PEC:
    case I2C_RETRIES:
    case I2C_TIMEOUT:
        return 0;
    case I2C_FUNCS:
        *(unsigned long *)arg = 0x0eff0009; /* what i2c-bcm2835 says: plain I2C, and SMBus made of it */
        return 0;
    case I2C_SMBUS:
        return smbus(file, arg);
    case I2C_RDWR:
        return transfer(file, arg);
    default:
        return failed(ENOTTY);
    }
}

/* The answer to GPIO_V2_GET_LINE brings two descriptors: the stream of events, and the line's own connection. */
static int gpio(struct file *file, unsigned long what, void *arg)
{
    int fds[2] = {-1, -1};
    if (ask_file(file, (uint32_t)what, arg, _IOC_SIZE(what), arg, _IOC_SIZE(what), fds) < 0)
        return -1;
    if (what == GPIO_V2_GET_LINE_IOCTL) {
        int hidden = fcntl(fds[1], F_DUPFD_CLOEXEC, FIRST_HIDDEN);
        NEXT(close)(fds[1]);
        if (hidden < 0 || fds[0] >= FILES)
            return failed(EMFILE);
        keep(fds[0], LINE, hidden);
        ((struct gpio_v2_line_request *)arg)->fd = fds[0];
    }
    return 0;
}

int ioctl(int fd, unsigned long what, ...)
{
    va_list rest;
    va_start(rest, what);
    void *arg = va_arg(rest, void *);
    va_end(rest);
    struct file *file = ours(fd);
    if (file && file->kind == I2C && _IOC_TYPE(what) == I2C_IOCTLS)
        return i2c(file, what, arg);
    if (file && file->kind != I2C && _IOC_TYPE(what) == GPIO_IOCTLS)
        return gpio(file, what, arg);
    return NEXT(ioctl)(fd, what, arg); /* what every descriptor knows, such as FIONBIO */
}
