#!/usr/bin/python3
"""libethash: the original C implementation of Ethash, as a child process.

Debian's python3-pyethash carries it in a shared object; its Python functions
do not work with this Python, its C functions do through ctypes. Commands come
a line each on stdin, an answer goes a line each to stdout:

    cache BYTES SEED            build a light cache, forget the one before
                                -> thread CPU seconds it took
    hash DATASET SEAL NONCE     -> MIX RESULT
    time DATASET SEAL NONCE N   N hashes with consecutive nonces
                                -> thread CPU seconds they took

Hashes are hexadecimal, nonces and sizes decimal. The first line on stdout is
"ready", or "absent" when the package is not installed.
"""
import ctypes
import glob
import sys
import time


class Hash(ctypes.Structure):
    _fields_ = [("b", ctypes.c_uint8 * 32)]


class Result(ctypes.Structure):
    _fields_ = [("result", Hash), ("mix", Hash), ("success", ctypes.c_bool)]


def load():
    found = glob.glob("/usr/lib/python3/dist-packages/pyethash*.so")
    if not found:
        return None
    lib = ctypes.CDLL(found[0])
    lib.ethash_light_new_internal.restype = ctypes.c_void_p
    lib.ethash_light_new_internal.argtypes = [ctypes.c_uint64,
                                              ctypes.POINTER(Hash)]
    lib.ethash_light_compute_internal.restype = Result
    lib.ethash_light_compute_internal.argtypes = [
        ctypes.c_void_p, ctypes.c_uint64, Hash, ctypes.c_uint64]
    lib.ethash_light_delete.restype = None
    lib.ethash_light_delete.argtypes = [ctypes.c_void_p]
    return lib


def as_hash(text):
    return Hash((ctypes.c_uint8 * 32)(*bytes.fromhex(text)))


def main():
    lib = load()
    print("ready" if lib else "absent", flush=True)
    light = None
    for line in sys.stdin if lib else []:
        word, *args = line.split()
        if word == "cache":
            if light:
                lib.ethash_light_delete(light)
            seed = as_hash(args[1])
            start = time.thread_time()
            light = lib.ethash_light_new_internal(int(args[0]),
                                                  ctypes.byref(seed))
            answer = "%.9f" % (time.thread_time() - start)
        elif word == "hash":
            r = lib.ethash_light_compute_internal(
                light, int(args[0]), as_hash(args[1]), int(args[2]))
            answer = bytes(r.mix.b).hex() + " " + bytes(r.result.b).hex()
        elif word == "time":
            size, seal, nonce = int(args[0]), as_hash(args[1]), int(args[2])
            compute = lib.ethash_light_compute_internal
            start = time.thread_time()
            for i in range(int(args[3])):
                compute(light, size, seal, (nonce + i) % 2**64)
            answer = "%.9f" % (time.thread_time() - start)
        else:
            answer = "what?"
        print(answer, flush=True)


if __name__ == "__main__":
    main()
