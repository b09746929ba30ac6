import threading

print([thread.name for thread in threading.enumerate()], threading.active_count())
print(threading.current_thread() is threading.main_thread())
worker = threading.Thread(target=lambda: print("first worker:", threading.current_thread().name))
worker.start()
worker.join()
