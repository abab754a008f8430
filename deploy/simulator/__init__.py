"""The outside world on one port: providers that draw real pictures, their faults on demand, a webhook sink.

Run it with `python -m deploy.simulator --port 9000`; everything under `/_sim` controls it, everything else
plays a provider.
"""
