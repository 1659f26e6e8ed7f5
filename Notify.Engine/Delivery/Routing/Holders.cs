namespace Notify.Engine.Delivery.Routing;

/// <summary>The sessions that hold a filter, each once, while the router's gate is held.</summary>
internal readonly ref struct Holders(ReadOnlySpan<int> numbers, Rows<Interests?> holders)
{
    private readonly ReadOnlySpan<int> _numbers = numbers;

    public Enumerator GetEnumerator() => new(_numbers, holders);

    internal ref struct Enumerator(ReadOnlySpan<int> numbers, Rows<Interests?> holders)
    {
        private readonly ReadOnlySpan<int> _numbers = numbers;
        private int _next;

        public Interests Current { get; private set; } = null!;

        public bool MoveNext()
        {
            while (_next < _numbers.Length)
            {
                if (_numbers[_next++] is not (> 0 and var number)) continue;
                Current = holders[number]!;
                return true;
            }

            return false;
        }
    }
}
