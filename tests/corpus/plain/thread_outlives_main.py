import threading
import time


def later():
    time.sleep(0.2)
    print("after the main thread's end", threading.main_thread().is_alive())


threading.Thread(target=later).start()
print("main ends")
